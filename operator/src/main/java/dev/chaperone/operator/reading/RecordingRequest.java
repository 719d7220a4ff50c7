package dev.chaperone.operator.reading;

import dev.chaperone.recording.Position;
import dev.chaperone.recording.SessionFiles;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is asked for. Nothing but exact paths and plain names gets past here. */
sealed interface RecordingRequest {
  /** Below this is what the API server asks on behalf of users. */
  String API = "/apis/" + ReadingSettings.GROUP + "/" + ReadingSettings.VERSION;

  /** Below this is what replicas ask each other. */
  String REPLICAS = "/replicas/v1";

  /** Whose recording. */
  record Name(String namespace, String name) {
    @Override
    public String toString() {
      return namespace + "/" + name;
    }
  }

  /**
   * Where a download goes on.
   *
   * @param at in the segments
   * @param heads in the file with the countersigned heads, in bytes
   */
  record From(Position at, long heads) {
    static final From START = new From(Position.START, 0);

    @Override
    public String toString() {
      return at.segment() + ":" + at.offset() + ":" + heads;
    }
  }

  /** Which resources there are. */
  record Discovery() implements RecordingRequest {}

  /** What is there of a recording. */
  record Metadata(Name name, boolean ofReplica) implements RecordingRequest {}

  /**
   * The files of a recording.
   *
   * @param follow whether to wait a while for more, where there is none
   */
  record Files(Name name, boolean ofReplica, From from, boolean follow)
      implements RecordingRequest {}

  /** The path of what is asked of another replica. */
  static String replicaPath(RecordingRequest request) {
    if (request instanceof Files files) {
      return REPLICAS
          + path(files.name())
          + "/files?from="
          + files.from()
          + (files.follow() ? "&follow=true" : "");
    }
    return REPLICAS + path(((Metadata) request).name());
  }

  private static String path(Name name) {
    return "/namespaces/" + name.namespace() + "/recordings/" + name.name();
  }

  /**
   * Reads it.
   *
   * @param path as it came, not decoded
   * @param query as it came; null where there is none
   * @throws ApiException where it is none of these
   */
  static RecordingRequest read(String method, String path, String query) throws ApiException {
    boolean ofReplica = path.startsWith(REPLICAS + "/");
    if (path.equals(API)) {
      requireGet(method);
      return new Discovery();
    }
    String rest = ofReplica ? path.substring(REPLICAS.length()) : path;
    if (!ofReplica) {
      if (!path.startsWith(API + "/")) {
        throw ApiException.notFound("there is no such resource");
      }
      rest = path.substring(API.length());
    }
    Matcher matcher = Syntax.RECORDING.matcher(rest);
    if (!matcher.matches() || !SessionFiles.isSessionName(matcher.group(2))) {
      throw ApiException.notFound("there is no such resource");
    }
    requireGet(method);
    Name name = new Name(matcher.group(1), matcher.group(2));
    return matcher.group(3) == null
        ? new Metadata(name, ofReplica)
        : new Files(name, ofReplica, from(query), "true".equals(value(query, "follow")));
  }

  private static void requireGet(String method) throws ApiException {
    if (!method.equals("GET")) {
      throw ApiException.methodNotAllowed();
    }
  }

  private static From from(String query) throws ApiException {
    String from = value(query, "from");
    if (from.isEmpty()) {
      return From.START;
    }
    Matcher matcher = Syntax.FROM.matcher(from);
    if (!matcher.matches()) {
      throw ApiException.badRequest("from must be SEGMENT:BYTE:BYTE, such as 1:0:0");
    }
    try {
      return new From(
          new Position(Integer.parseInt(matcher.group(1)), Long.parseLong(matcher.group(2))),
          Long.parseLong(matcher.group(3)));
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest("from is no place in a recording");
    }
  }

  /** What a parameter says; those of the client's own, such as its patience, are passed over. */
  private static String value(String query, String name) {
    if (query != null) {
      for (String one : query.split("&", -1)) {
        if (one.startsWith(name + "=")) {
          return one.substring(name.length() + 1).replace("%3A", ":");
        }
      }
    }
    return "";
  }

  /** Patterns, which an interface cannot keep to itself. */
  final class Syntax {
    private static final Pattern RECORDING =
        Pattern.compile(
            "/namespaces/([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)"
                + "/recordings/([a-z0-9][-a-z0-9.]{0,252})(/files)?");
    private static final Pattern FROM = Pattern.compile("([0-9]{1,6}):([0-9]{1,15}):([0-9]{1,15})");

    private Syntax() {}
  }
}
