package dev.chaperone.operator.store;

import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.SessionFiles;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What objects of recordings are called: {@code NAMESPACE/POD-UID/SESSION/WRITER/FILE.OFFSET}. The
 * writer is a copy of the recording on one volume; no two write the same object.
 */
final class ObjectNames {
  static final String MANIFEST = "manifest.json";

  private static final Pattern NAMESPACE = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
  private static final Pattern WRITER = Pattern.compile("[A-Za-z0-9][-A-Za-z0-9.]{0,280}");
  private static final Pattern NAME = Pattern.compile("(([^/]+)/([^/]+)/([^/]+)/)([^/]+)/([^/]+)");
  private static final Pattern PIECE =
      Pattern.compile("([0-9]{6}\\.seg|countersigned\\.heads)\\.([0-9]{12})");
  private static final long MOST_OFFSET = 999_999_999_999L;

  /**
   * A name taken apart.
   *
   * @param session all of the recording's copies are below this
   */
  record Parts(String session, String namespace, String writer, String file) {
    /** All objects of this copy are below this. */
    String copy() {
      return session + writer + "/";
    }
  }

  /** A piece of a file. */
  record Piece(String file, long offset) {}

  private ObjectNames() {}

  /**
   * Below this are all copies of a recording.
   *
   * @throws IllegalArgumentException where it cannot be a session of a pod
   */
  static String session(String namespace, String podUid, String session) {
    if (!NAMESPACE.matcher(namespace).matches()) {
      throw new IllegalArgumentException("not a name for a namespace");
    }
    return namespace + "/" + StoredSession.path(podUid, session) + "/";
  }

  static String copy(StoredSession session, String writer) {
    if (!WRITER.matcher(writer).matches()) {
      throw new IllegalArgumentException("not a name for a writer");
    }
    return session(session.pod().namespace(), session.pod().uid(), session.session())
        + writer
        + "/";
  }

  static String piece(String file, long offset) {
    if (offset < 0 || offset > MOST_OFFSET) {
      throw new IllegalArgumentException("a file has no such place");
    }
    return file + String.format(Locale.ROOT, ".%012d", offset);
  }

  /** Empty where it is no object of a recording. */
  static Optional<Parts> parts(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches() || !WRITER.matcher(matcher.group(5)).matches()) {
      return Optional.empty();
    }
    try {
      String session = session(matcher.group(2), matcher.group(3), matcher.group(4));
      return Optional.of(new Parts(session, matcher.group(2), matcher.group(5), matcher.group(6)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Empty where the object is no piece of a segment or of the countersigned heads. */
  static Optional<Piece> piece(String file) {
    Matcher matcher = PIECE.matcher(file);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    String of = matcher.group(1);
    return of.equals(CountersignedHead.FILE_NAME) || SessionFiles.isSegmentName(of)
        ? Optional.of(new Piece(of, Long.parseLong(matcher.group(2))))
        : Optional.empty();
  }
}
