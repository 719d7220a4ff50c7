package dev.chaperone.recording;

import java.security.DigestException;
import java.security.MessageDigest;

/**
 * Writes one session: events as frames, each with the hash of all before it. Not safe for use by
 * several threads at once; signatures are made elsewhere, so that nobody waits for one:
 *
 * <pre>
 *   beginSegment, append*, (checkpoint, append*)*, continued, beginSegment ... append*, sealed
 * </pre>
 */
public final class ChainWriter {
  private final String session;
  private final Bytes key;
  private final MessageDigest sha256 = Format.sha256();
  private final PayloadWriter out = new PayloadWriter();
  private final EventEncoder encoder = new EventEncoder(out, this::frame);
  private final byte[] hash = new byte[Format.HASH_BYTES];

  private int segment;
  private long events;
  private long operations;
  private long denied;
  private long rows;
  private long maskedValues;
  private long gaps;
  private boolean sealed;

  // Of the frame at hand.
  private long micros;
  private Space space;

  /**
   * A session that begins.
   *
   * @param session its name: lower-case letters, digits, {@code -} and {@code .}, at most 253
   * @param key the id of the key that signs it
   */
  public ChainWriter(String session, Bytes key) {
    if (!SegmentHeader.SESSION_NAME.matcher(session).matches()) {
      throw new IllegalArgumentException("not a name for a session");
    }
    this.session = session;
    this.key = key;
  }

  /**
   * Begins the next segment.
   *
   * @return its header, to be written before the first frame
   */
  public byte[] beginSegment(long atMicros) {
    byte[] header =
        new SegmentHeader(
                session,
                segment + 1,
                events + 1,
                atMicros,
                key,
                segment == 0 ? SegmentHeader.NO_PREVIOUS : Bytes.of(hash.clone()))
            .encode();
    segment++;
    System.arraycopy(header, header.length - Format.HASH_BYTES, hash, 0, Format.HASH_BYTES);
    encoder.beginSegment();
    return header;
  }

  /**
   * Appends an event and what it refers to.
   *
   * @param atMicros when it happened, in microseconds since 1970 in UTC
   * @return its number in the session, or 0 where there was no room for it
   */
  public long append(Event event, long atMicros, Space to) {
    requireOpen();
    micros = atMicros;
    space = to;
    if (!encoder.write(event)) {
      return 0;
    }
    count(event);
    return events;
  }

  /** How far it goes. */
  public Head head() {
    return new Head(events, Bytes.of(hash.clone()));
  }

  /** How many events it has. */
  public long events() {
    return events;
  }

  /** What it comes to so far. */
  public Totals totals() {
    return new Totals(operations, denied, rows, maskedValues, gaps);
  }

  /** The number of the present segment. */
  public int segment() {
    return segment;
  }

  /** Whether so much was defined in this segment that another should begin soon. */
  public boolean isCrowded() {
    return encoder.definitionBytes() > Format.MAX_DEFINITION_BYTES / 4
        || encoder.definitions() > Format.MAX_DEFINITIONS / 4;
  }

  /**
   * What a checkpoint of the present head says; to be signed.
   *
   * @param atMicros when it is signed
   */
  public Checkpoint checkpoint(long atMicros) {
    return new Checkpoint(Format.TYPE_CHECKPOINT, atMicros, head(), null);
  }

  /** What closes this segment: another one follows. Nothing may be appended before it. */
  public Checkpoint continued(long atMicros) {
    return new Checkpoint(Format.TYPE_CONTINUED, atMicros, head(), null);
  }

  /** What closes the session. Nothing may be appended before it, or after it. */
  public Checkpoint sealed(long atMicros) {
    return new Checkpoint(Format.TYPE_SEALED, atMicros, head(), totals());
  }

  /**
   * Appends a checkpoint that was signed.
   *
   * @return whether it still could be: it must not come too long after the event it covers, and
   *     there must be room
   */
  public boolean append(Checkpoint checkpoint, Bytes signature, Space to) {
    requireOpen();
    boolean closes = checkpoint.type() != Format.TYPE_CHECKPOINT;
    long lag = events - checkpoint.head().events();
    if (lag < 0 || lag > (closes ? 0 : Format.MAX_CHECKPOINT_LAG)) {
      return false;
    }
    micros = checkpoint.micros();
    space = to;
    out.begin();
    checkpoint.write(out);
    out.raw(signature);
    if (!frame(checkpoint.type())) {
      return false;
    }
    sealed = checkpoint.type() == Format.TYPE_SEALED;
    return true;
  }

  private boolean frame(int type) {
    if (events == Long.MAX_VALUE) {
      throw new IllegalStateException("a session cannot have more events");
    }
    int length = out.finish(type, events + 1, micros);
    byte[] frame = out.array();
    int end = length - Format.HASH_BYTES;
    sha256.update(hash, 0, Format.HASH_BYTES);
    sha256.update(frame, 0, end);
    try {
      sha256.digest(frame, end, Format.HASH_BYTES);
    } catch (DigestException e) {
      throw new IllegalStateException("there is room for the hash", e);
    }
    if (!space.append(frame, length)) {
      return false;
    }
    System.arraycopy(frame, end, hash, 0, Format.HASH_BYTES);
    events++;
    return true;
  }

  private void count(Event event) {
    if (event instanceof Event.OperationRequested requested) {
      operations++;
      if (requested.verdict() == Event.Verdict.DENIED) {
        denied++;
      }
    } else if (event instanceof Event.OperationCompleted completed) {
      maskedValues += completed.maskedValues();
      for (int i = 0; i < completed.results().size(); i++) {
        rows += completed.results().get(i).rows();
      }
    } else if (event instanceof Event.RecordingGap) {
      gaps++;
    }
  }

  private void requireOpen() {
    if (sealed || segment == 0) {
      throw new IllegalStateException("the recording is closed");
    }
  }
}
