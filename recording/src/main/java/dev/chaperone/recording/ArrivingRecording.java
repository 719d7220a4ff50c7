package dev.chaperone.recording;

import dev.chaperone.recording.Verification.Damage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Verifies a recording piece by piece, as it arrives where it is kept: hashes, numbers, signatures
 * and payloads, as {@link Verifier} does with one that is there. Each byte is looked at once. Not
 * safe for use by several threads at once.
 *
 * <p>A checkpoint has to cover a later event than the one before it, as those of every writer do:
 * so only what is not covered yet has to be remembered.
 */
public final class ArrivingRecording {
  private final String session;
  private final PublicKeyFile key;
  private final MessageDigest sha256 = Format.sha256();
  private final UnsignedEvents unsigned = new UnsignedEvents();

  private Position position = Position.START;
  private long bytes;
  private long events;

  /** What the next event follows: the last event, or the header of its segment. */
  private Bytes hash = SegmentHeader.NO_PREVIOUS;

  private Bytes lastEvent = SegmentHeader.NO_PREVIOUS;

  /** How long it is up to the end of its last event. */
  private long lastEventEnd;

  private EventDecoder decoder = new EventDecoder();
  private boolean sealed;
  private Optional<Event.SessionOpened> opened = Optional.empty();
  private Optional<Head> seen = Optional.empty();

  private ArrivingRecording(String session, PublicKeyFile key) {
    this.session = session;
    this.key = key;
  }

  /**
   * One of which nothing is there yet.
   *
   * @param session its name
   * @param key must have signed it
   */
  public static ArrivingRecording begin(String session, PublicKeyFile key) {
    return new ArrivingRecording(session, key);
  }

  /**
   * One of which a part is there, every byte of it verified when it arrived. Looks at the last two
   * segments alone. Whatever stands behind {@link #position()} in the last one was not verified: it
   * was being written when the writer was killed.
   *
   * @param directory holds the segments
   * @throws IOException when a file cannot be read, or what is there was changed since
   */
  public static ArrivingRecording resume(Path directory, String session, PublicKeyFile key)
      throws IOException {
    ArrivingRecording recording = new ArrivingRecording(session, key);
    List<Integer> segments = SessionFiles.segments(directory);
    for (int i = 0; i < segments.size(); i++) {
      if (segments.get(i) != i + 1) {
        throw new IOException(
            SessionFiles.segment(directory, i + 1) + " is missing: the store was changed");
      }
    }
    int last = segments.size();
    for (int number = 1; number <= last; number++) {
      Path file = SessionFiles.segment(directory, number);
      if (number < last - 1) {
        recording.bytes += Files.size(file);
        continue;
      }
      recording.read(file, number, number == last);
    }
    return recording;
  }

  private void read(Path file, int number, boolean last) throws IOException {
    try (SegmentReader reader = new SegmentReader(file)) {
      SegmentHeader header = reader.header();
      if (header == null && last) {
        position = new Position(number, 0);
        return;
      }
      if (header == null) {
        throw new IOException(file + " has no beginning: the store was changed");
      }
      if (number > 1 && events == 0) {
        // The segments before this one are not looked at.
        events = header.firstEvent() - 1;
        hash = header.previous();
        lastEvent = hash;
      }
      position = new Position(number, 0);
      header(header, header.encode().length);
      Frame frame = reader.next();
      while (frame != null) {
        if (sealed) {
          throw broken(Damage.INSERTED, "it stands behind the end of the session");
        }
        frame(frame);
        frame = reader.next();
      }
    } catch (MalformedRecordingException | BrokenRecordingException e) {
      if (!last) {
        throw new IOException(file + ": " + e.getMessage() + ": the store was changed", e);
      }
    }
    if (!last && position.segment() == number) {
      throw new IOException(file + " has no end: the store was changed");
    }
  }

  /**
   * Says that a head was seen elsewhere: when the recording gets there, it must have it.
   *
   * @throws BrokenRecordingException where it is there already, and has another one
   */
  public void require(Head head) throws BrokenRecordingException {
    if (head.events() > events) {
      seen = Optional.of(head);
    } else if (head.events() == events && !head.hash().equals(lastEvent)) {
      throw rewritten();
    }
  }

  /**
   * Verifies what comes next. After an exception nothing more can be said of the recording here:
   * what was taken before is as it was, and this object is of no use any more.
   *
   * @param at must be {@link #position()}
   * @throws BrokenRecordingException when it is not what comes next
   */
  public void accept(Position at, Bytes content) throws BrokenRecordingException {
    if (!at.equals(position)) {
      throw broken(Damage.REORDERED, "it does not go on where the recording ends");
    }
    byte[] array = content.array();
    int done = 0;
    if (array.length == 0) {
      return;
    }
    try {
      if (at.offset() == 0) {
        int length = array.length < 12 ? array.length + 1 : SegmentHeader.length(array);
        if (length > array.length) {
          throw broken(Damage.TRUNCATED, "the header of a segment is not whole");
        }
        header(SegmentHeader.decode(Arrays.copyOf(array, length)), length);
        done = length;
      }
      while (done < array.length) {
        if (sealed || position.segment() != at.segment()) {
          throw broken(Damage.INSERTED, "it stands behind the end of its segment or session");
        }
        int length = frameLength(array, done);
        frame(new Frame(position.offset(), Arrays.copyOfRange(array, done, done + length)));
        done += length;
      }
    } catch (MalformedRecordingException e) {
      throw broken(Damage.CHANGED, e.getMessage());
    }
  }

  private int frameLength(byte[] array, int at) throws BrokenRecordingException {
    int rest = array.length - at;
    int length = rest < Integer.BYTES ? 0 : ByteBuffer.wrap(array).getInt(at);
    if (length < Format.MIN_FRAME_BYTES
        || length > Format.MAX_FRAME_BYTES
        || length % Format.FRAME_ALIGNMENT != 0) {
      throw broken(Damage.CHANGED, "an event has an impossible length");
    }
    if (length > rest) {
      throw broken(Damage.TRUNCATED, "an event is not whole");
    }
    return length;
  }

  private void header(SegmentHeader header, int length) throws BrokenRecordingException {
    if (!header.key().equals(key.id())) {
      throw broken(Damage.OTHER_KEY, "it is signed with another key");
    }
    if (!header.session().equals(session) || header.segment() != position.segment()) {
      throw broken(Damage.REORDERED, "it is a segment of another number or session");
    }
    if (header.firstEvent() != events + 1 || !header.previous().equals(hash)) {
      throw broken(Damage.CHANGED, "it does not go on where the segment before it ended");
    }
    hash = header.encodedHash();
    decoder = new EventDecoder();
    advance(length);
  }

  private void frame(Frame frame) throws BrokenRecordingException {
    if (frame.sequence() != events + 1) {
      throw broken(Damage.REORDERED, "an event of another number stands in its place");
    }
    if (!frame.follows(hash, sha256)) {
      throw broken(Damage.CHANGED, "it does not have the hash it says");
    }
    try {
      if (Format.isSigned(frame.type())) {
        signed(frame);
      } else {
        event(frame);
      }
    } catch (MalformedRecordingException e) {
      throw broken(Damage.UNREADABLE, e.getMessage());
    }
    Bytes next = frame.hash();
    if (seen.isPresent() && seen.get().events() == events + 1) {
      if (!seen.get().hash().equals(next)) {
        throw rewritten();
      }
      seen = Optional.empty();
    }
    hash = next;
    lastEvent = next;
    events++;
    unsigned.add(events, hash);
    advance(frame.length());
    lastEventEnd = bytes;
    if (frame.type() == Format.TYPE_CONTINUED) {
      position = position.nextSegment();
    }
  }

  private void event(Frame frame) throws MalformedRecordingException {
    Optional<Event> event = decoder.read(frame.type(), frame.payload());
    if (events > 0) {
      return;
    }
    if (event.isEmpty()
        || !(event.get() instanceof Event.SessionOpened first)
        || !first.session().equals(session)) {
      throw new MalformedRecordingException("the first event does not open the session");
    }
    opened = Optional.of(first);
  }

  private void signed(Frame frame) throws MalformedRecordingException, BrokenRecordingException {
    PayloadReader in = new PayloadReader(frame.payload());
    Checkpoint checkpoint = Checkpoint.read(frame.type(), frame.micros(), in);
    Bytes signature = in.raw(Format.SIGNATURE_BYTES);
    in.requireEnd();
    Head covered = checkpoint.head();
    Optional<Bytes> known = unsigned.hash(covered.events());
    boolean closes = frame.type() != Format.TYPE_CHECKPOINT;
    if (known.isEmpty() || (closes && covered.events() != events)) {
      throw new MalformedRecordingException("a checkpoint covers what it cannot");
    }
    if (!key.verifies(checkpoint.message(), signature)) {
      throw broken(Damage.BAD_SIGNATURE, "the key did not sign this checkpoint");
    }
    if (!known.get().equals(covered.hash())) {
      throw broken(
          Damage.CHANGED, "event " + covered.events() + " had another hash when it was signed");
    }
    if (!closes) {
      // What closes a segment may come before a checkpoint of an earlier event.
      unsigned.dropUpTo(covered.events());
    }
    sealed = frame.type() == Format.TYPE_SEALED;
  }

  private void advance(int length) {
    position = new Position(position.segment(), position.offset() + length);
    bytes += length;
  }

  private BrokenRecordingException rewritten() {
    return broken(Damage.CHANGED, "it is not what was stored of this session before");
  }

  private BrokenRecordingException broken(Damage damage, String explanation) {
    return new BrokenRecordingException(damage, events + 1, explanation);
  }

  /** Where it goes on. */
  public Position position() {
    return position;
  }

  /** Its last event. */
  public Head head() {
    return new Head(events, lastEvent);
  }

  /** How long it is, all segments together. */
  public long bytes() {
    return bytes;
  }

  /** How long it is up to the end of its last event: a header may stand behind that. */
  public long headEnd() {
    return lastEventEnd;
  }

  /** Whether it ends with the session's seal: nothing more comes. */
  public boolean isSealed() {
    return sealed;
  }

  /** Its first event, where that arrived since this object was made. */
  public Optional<Event.SessionOpened> opened() {
    return opened;
  }

  /** About how much memory it takes, in bytes. */
  public long memory() {
    return 4_096L + unsigned.memory() + 3 * decoder.definitionBytes();
  }
}
