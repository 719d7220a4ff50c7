package dev.chaperone.recording;

import dev.chaperone.recording.Verification.Broken;
import dev.chaperone.recording.Verification.Damage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds out whether the recording of a session is what was written: that no event was changed,
 * deleted, inserted or moved, and whether its end is there. Needs the files and the public key
 * alone.
 *
 * <p>What it cannot know: whether the end of a session that is not sealed was cut off, unless it is
 * told a head that the recording must contain.
 */
public final class Verifier {
  private final Path directory;
  private final PublicKeyFile key;
  private final Optional<Bytes> requiredHead;
  private final List<PublicKeyFile> storeKeys;
  private final boolean followsLink;
  private final MessageDigest sha256 = Format.sha256();
  private final List<String> notes = new ArrayList<>();

  private final RecentEvents recent = new RecentEvents();

  private String session = "";
  private int begun;
  private long events;
  private long plain;
  private Bytes hash = SegmentHeader.NO_PREVIOUS;
  private long coveredPlain;
  private Checkpoint last;
  private boolean headFound;
  private String podUid = "";

  /** How long the segments before this one are. */
  private long segmentStart;

  /** How long the recording is up to its last event or header. */
  private long length;

  /** Null where nobody asked for it. */
  private CountersignedCheck countersigned;

  private Verifier(
      Path directory,
      PublicKeyFile key,
      Optional<Bytes> requiredHead,
      List<PublicKeyFile> storeKeys,
      boolean followsLink) {
    this.directory = directory;
    this.key = key;
    this.requiredHead = requiredHead;
    this.storeKeys = List.copyOf(storeKeys);
    this.followsLink = followsLink;
  }

  /**
   * Verifies a session. Where it says that it follows another one, and that one's directory is
   * beside it, the link between the two is verified too.
   *
   * @param directory holds the segments
   * @param key must have signed it
   * @param head the hash of an event that must be in it
   * @throws IOException when a file cannot be read
   */
  public static Verification verify(Path directory, PublicKeyFile key, Optional<Bytes> head)
      throws IOException {
    return verify(directory, key, head, List.of());
  }

  /**
   * Verifies a session, and that it holds every head that a store has countersigned: so its past
   * was not written anew, and nothing is missing up to the latest of them, even where the key that
   * signs it is in wrong hands.
   *
   * @param storeKeys must have countersigned it; none where that is not to be looked at
   */
  public static Verification verify(
      Path directory, PublicKeyFile key, Optional<Bytes> head, List<PublicKeyFile> storeKeys)
      throws IOException {
    return new Verifier(directory, key, head, storeKeys, true).run();
  }

  private Verification run() throws IOException {
    if (storeKeys.isEmpty()) {
      return verification();
    }
    try (CountersignedCheck check = CountersignedCheck.open(directory, storeKeys, key.id())) {
      countersigned = check;
      return verification();
    } catch (BrokenRecordingException e) {
      return new Broken(
          directory.resolve(CountersignedHead.FILE_NAME), 0, e.event(), e.damage(), e.getMessage());
    }
  }

  private Verification verification() throws IOException {
    List<Integer> segments = SessionFiles.segments(directory);
    if (segments.isEmpty()) {
      return new Broken(directory, 0, 0, Damage.DELETED, "there is no segment");
    }
    for (int i = 0; i < segments.size(); i++) {
      if (segments.get(i) != i + 1) {
        return new Broken(
            SessionFiles.segment(directory, i + 1),
            0,
            events + 1,
            Damage.DELETED,
            "segment " + (i + 1) + " is missing");
      }
      try (SegmentReader reader = new SegmentReader(SessionFiles.segment(directory, i + 1))) {
        Optional<Broken> broken = segment(reader, i + 1);
        if (broken.isPresent()) {
          return broken.get();
        }
      }
    }
    return conclude();
  }

  private Verification conclude() {
    Path file = SessionFiles.segment(directory, Math.max(begun, 1));
    if (begun == 0) {
      return new Broken(file, 0, 1, Damage.TRUNCATED, "the first segment is empty");
    }
    if (isClosed(Format.TYPE_CONTINUED)
        && !Files.exists(SessionFiles.segment(directory, begun + 1), LinkOption.NOFOLLOW_LINKS)) {
      return new Broken(
          SessionFiles.segment(directory, begun + 1),
          0,
          events + 1,
          Damage.TRUNCATED,
          "segment " + begun + " says that another one follows, and it is missing");
    }
    if (requiredHead.isPresent() && !headFound) {
      return new Broken(
          file,
          0,
          events + 1,
          Damage.TRUNCATED,
          "no event has the head that was asked for: what it covers is missing");
    }
    Head head = new Head(events, hash);
    if (countersigned != null) {
      try {
        notes.add(countersigned.end(events));
      } catch (BrokenRecordingException e) {
        return notCountersigned(e);
      }
    }
    return isClosed(Format.TYPE_SEALED)
        ? new Verification.Sealed(session, head, begun, last.totals(), notes)
        : new Verification.Unsealed(session, head, begun, plain - coveredPlain, notes);
  }

  private Broken notCountersigned(BrokenRecordingException e) {
    return new Broken(
        countersigned.file(), countersigned.offset(), e.event(), e.damage(), e.getMessage());
  }

  private boolean isClosed(int type) {
    return last != null && last.type() == type && last.head().events() == events - 1;
  }

  // ---- segments

  private Optional<Broken> segment(SegmentReader reader, int number) throws IOException {
    SegmentHeader header;
    try {
      header = reader.header();
    } catch (MalformedRecordingException e) {
      return broken(reader, 0, Damage.CHANGED, e.getMessage());
    }
    if (header == null) {
      return Optional.empty();
    }
    if (number > 1 && !isClosed(Format.TYPE_CONTINUED)) {
      return unexpected(reader, number);
    }
    if (!header.key().equals(key.id())) {
      return broken(reader, 0, Damage.OTHER_KEY, "it is signed with another key");
    }
    if (number == 1) {
      session = header.session();
    }
    if (!header.session().equals(session) || header.segment() != number) {
      return broken(
          reader, 0, Damage.REORDERED, "the file holds a segment of another number or session");
    }
    if (header.firstEvent() != events + 1 || !header.previous().equals(hash)) {
      return broken(
          reader, 0, Damage.CHANGED, "it does not go on where the segment before it ended");
    }
    begun = number;
    last = null;
    hash = header.encodedHash();
    segmentStart = length;
    length += reader.position();
    return frames(reader);
  }

  /** A segment is begun a moment before the one before it is closed; then it holds nothing. */
  private Optional<Broken> unexpected(SegmentReader reader, int number) throws IOException {
    try {
      if (!isClosed(Format.TYPE_SEALED) && reader.next() == null) {
        return Optional.empty();
      }
    } catch (MalformedRecordingException e) {
      // Said below.
    }
    return isClosed(Format.TYPE_SEALED)
        ? broken(reader, 0, Damage.INSERTED, "the session was sealed before this segment")
        : Optional.of(
            new Broken(
                SessionFiles.segment(directory, number - 1),
                0,
                events + 1,
                Damage.TRUNCATED,
                "the end of segment " + (number - 1) + " is missing"));
  }

  private Optional<Broken> frames(SegmentReader reader) throws IOException {
    EventDecoder decoder = new EventDecoder();
    while (true) {
      Frame frame;
      try {
        frame = reader.next();
      } catch (MalformedRecordingException e) {
        return broken(reader, reader.position(), Damage.CHANGED, e.getMessage());
      }
      if (frame == null) {
        Optional<Broken> rest = rest(reader);
        if (rest.isPresent() && comesAgain(reader, null)) {
          continue;
        }
        return rest;
      }
      if (isClosed(Format.TYPE_SEALED) || isClosed(Format.TYPE_CONTINUED)) {
        return broken(
            reader, frame.offset(), Damage.INSERTED, "it stands behind the end of its segment");
      }
      if (!isNext(frame)) {
        if (comesAgain(reader, frame)) {
          continue;
        }
        return diagnose(reader, frame);
      }
      Optional<Broken> broken = accept(reader, frame, decoder);
      if (broken.isPresent()) {
        return broken;
      }
    }
  }

  private boolean isNext(Frame frame) {
    return frame.sequence() == events + 1 && frame.follows(hash, sha256);
  }

  /**
   * Looks again at what seemed broken: where the recording is being written, an event may have been
   * half there. Afterwards the reader stands where it did.
   *
   * @param frame what seemed broken; null where none was there
   */
  private boolean comesAgain(SegmentReader reader, Frame frame) throws IOException {
    if (frame != null) {
      reader.back(frame);
    }
    Frame again = nextOrNull(reader);
    if (again == null) {
      return false;
    }
    boolean comes = isNext(again);
    if (comes) {
      reader.back(again);
    }
    return comes;
  }

  private Optional<Broken> accept(SegmentReader reader, Frame frame, EventDecoder decoder)
      throws IOException {
    hash = frame.hash();
    events++;
    if (!Format.isSigned(frame.type())) {
      plain++;
    }
    recent.add(events, hash, plain);
    length = segmentStart + frame.offset() + frame.length();
    headFound |= requiredHead.isPresent() && requiredHead.get().equals(hash);
    try {
      Optional<Broken> broken = content(reader, frame, decoder);
      if (broken.isEmpty() && countersigned != null) {
        countersigned.event(session, podUid, new Head(events, hash), length);
      }
      return broken;
    } catch (BrokenRecordingException e) {
      return Optional.of(notCountersigned(e));
    } catch (MalformedRecordingException e) {
      events--;
      return broken(reader, frame.offset(), Damage.UNREADABLE, e.getMessage());
    }
  }

  private Optional<Broken> content(SegmentReader reader, Frame frame, EventDecoder decoder)
      throws IOException, MalformedRecordingException {
    if (Format.isSigned(frame.type())) {
      return signed(reader, frame);
    }
    Optional<Event> event = decoder.read(frame.type(), frame.payload());
    return events == 1 ? first(event) : Optional.empty();
  }

  private Optional<Broken> first(Optional<Event> event)
      throws IOException, MalformedRecordingException {
    if (event.isEmpty()
        || !(event.get() instanceof Event.SessionOpened opened)
        || !opened.session().equals(session)) {
      throw new MalformedRecordingException("the first event does not open the session");
    }
    podUid = opened.identity().podUid();
    return followsLink && opened.predecessor().isPresent()
        ? link(opened.predecessor().get())
        : Optional.empty();
  }

  private Optional<Broken> link(Event.Predecessor predecessor) throws IOException {
    String name = predecessor.session();
    Path sibling =
        SessionFiles.isSessionName(name)
            ? directory.toAbsolutePath().normalize().resolveSibling(name)
            : null;
    if (sibling == null || !Files.isDirectory(sibling, LinkOption.NOFOLLOW_LINKS)) {
      notes.add("follows session " + SafeText.of(name, 80) + ", which is not here");
      return Optional.empty();
    }
    Verification before =
        new Verifier(sibling, key, Optional.of(predecessor.head()), List.of(), false).run();
    if (before instanceof Broken broken) {
      return Optional.of(broken);
    }
    notes.add("follows session " + name + ", which is here and contains what this one says of it");
    return Optional.empty();
  }

  private Optional<Broken> signed(SegmentReader reader, Frame frame)
      throws MalformedRecordingException {
    PayloadReader in = new PayloadReader(frame.payload());
    Checkpoint checkpoint = Checkpoint.read(frame.type(), frame.micros(), in);
    Bytes signature = in.raw(Format.SIGNATURE_BYTES);
    in.requireEnd();
    Head covered = checkpoint.head();
    if (covered.events() < 1
        || covered.events() >= events
        || events - 1 - covered.events() > Format.MAX_CHECKPOINT_LAG
        || (frame.type() != Format.TYPE_CHECKPOINT && covered.events() != events - 1)) {
      throw new MalformedRecordingException("a checkpoint covers what it cannot");
    }
    if (!key.verifies(checkpoint.message(), signature)) {
      events--;
      return broken(
          reader,
          frame.offset(),
          Damage.BAD_SIGNATURE,
          "the key did not sign this checkpoint; events since the one before it may be changed");
    }
    if (!covered.hash().equals(recent.hash(covered.events()))) {
      events--;
      return broken(
          reader,
          frame.offset(),
          Damage.CHANGED,
          "events were changed after they were signed: event "
              + covered.events()
              + " had another hash");
    }
    coveredPlain = recent.plain(covered.events());
    last = checkpoint;
    return Optional.empty();
  }

  // ---- what is wrong

  private Optional<Broken> rest(SegmentReader reader) throws IOException {
    SegmentReader.Rest rest = reader.rest();
    boolean closed = isClosed(Format.TYPE_SEALED) || isClosed(Format.TYPE_CONTINUED);
    switch (rest) {
      case NOTHING:
      case ZEROS:
        return Optional.empty();
      default:
        break;
    }
    if (closed) {
      return broken(
          reader, reader.position(), Damage.INSERTED, "something stands behind the segment's end");
    }
    if (reader.withoutLength(hash, events + 2) != null) {
      return broken(
          reader, reader.position(), Damage.CHANGED, "the length of an event was changed");
    }
    if (rest == SegmentReader.Rest.NO_LENGTH && reader.isMoreThanOneFrame()) {
      return broken(
          reader, reader.position(), Damage.CHANGED, "the length of an event was taken away");
    }
    notes.add("the last event is not whole: it was being written, or is cut off");
    return Optional.empty();
  }

  /** Says what happened to the recording where a frame does not fit; the first cause counts. */
  private Optional<Broken> diagnose(SegmentReader reader, Frame frame) throws IOException {
    long expected = events + 1;
    if (frame.sequence() == expected || frame.withSequence(expected).follows(hash, sha256)) {
      Frame next = nextOrNull(reader);
      return next != null && next.sequence() == expected && next.follows(hash, sha256)
          ? broken(reader, frame.offset(), Damage.INSERTED, "it was not written here")
          : broken(reader, frame.offset(), Damage.CHANGED, "it does not have the hash it says");
    }
    if (frame.sequence() < expected) {
      return broken(
          reader, frame.offset(), Damage.INSERTED, "an event of that number stands before it");
    }
    Frame later = nextOrNull(reader);
    while (later != null && later.sequence() != expected) {
      later = nextOrNull(reader);
    }
    return later != null
        ? broken(reader, frame.offset(), Damage.REORDERED, "the event of that number stands later")
        : broken(
            reader,
            frame.offset(),
            Damage.DELETED,
            "event " + frame.sequence() + " stands in its place");
  }

  private static Frame nextOrNull(SegmentReader reader) throws IOException {
    try {
      return reader.next();
    } catch (MalformedRecordingException e) {
      return null;
    }
  }

  private Optional<Broken> broken(
      SegmentReader reader, long offset, Damage damage, String explanation) {
    return Optional.of(new Broken(reader.file(), offset, events + 1, damage, explanation));
  }
}
