package dev.chaperone.recording;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Reads the events of a session in order, also while it is being written. Each must have the hash
 * that the chain gives it; whether the signatures are right is for the {@link Verifier}.
 */
public final class SessionReader implements Closeable {
  /** How often an event that is being written may be looked at before it counts as broken. */
  private static final int ATTEMPTS = 3;

  private final Path directory;
  private SegmentReader segment;
  private EventDecoder decoder = new EventDecoder();
  private int number;
  private boolean begun;
  private boolean continued;
  private boolean sealed;
  private long events;
  private Bytes hash = SegmentHeader.NO_PREVIOUS;
  private int attempts;

  /**
   * Opens a session.
   *
   * @param directory holds the segments
   * @throws IOException when there is no first segment that can be read
   */
  public SessionReader(Path directory) throws IOException {
    this.directory = directory;
    open(1);
  }

  /** How far it was read. */
  public Head head() {
    return new Head(events, hash);
  }

  /** Whether the session's seal was read: nothing more comes. */
  public boolean isSealed() {
    return sealed;
  }

  /**
   * Reads the next event.
   *
   * @return empty where there is none; there may be one later unless the session is sealed
   * @throws MalformedRecordingException when the recording is broken there
   */
  public Optional<RecordedEvent> next() throws IOException, MalformedRecordingException {
    while (!sealed && advance()) {
      Frame frame = segment.next();
      if (frame == null) {
        return Optional.empty();
      }
      Bytes payload = frame.payload();
      if (frame.sequence() != events + 1 || !frame.follows(hash, Format.sha256())) {
        if (++attempts < ATTEMPTS) {
          segment.back(frame);
          return Optional.empty();
        }
        throw new MalformedRecordingException(
            "event " + (events + 1) + " is not what was written; verify says more");
      }
      attempts = 0;
      events++;
      hash = frame.hash();
      if (Format.isSigned(frame.type())) {
        continued = frame.type() == Format.TYPE_CONTINUED;
        sealed = frame.type() == Format.TYPE_SEALED;
        continue;
      }
      Optional<Event> event = decoder.read(frame.type(), payload);
      if (event.isPresent()) {
        return Optional.of(new RecordedEvent(events, frame.micros(), event.get()));
      }
    }
    return Optional.empty();
  }

  /** Goes to the next segment where this one is closed; false where there is nothing to read. */
  private boolean advance() throws IOException, MalformedRecordingException {
    if (continued) {
      Path next = SessionFiles.segment(directory, number + 1);
      if (!Files.exists(next, LinkOption.NOFOLLOW_LINKS)) {
        return false;
      }
      segment.close();
      open(number + 1);
    }
    if (!begun) {
      SegmentHeader header = segment.header();
      if (header == null) {
        return false;
      }
      if (header.segment() != number
          || header.firstEvent() != events + 1
          || !header.previous().equals(hash)) {
        throw new MalformedRecordingException(
            "segment " + number + " does not go on where the one before it ended");
      }
      begun = true;
      hash = header.encodedHash();
    }
    return true;
  }

  private void open(int segmentNumber) throws IOException {
    number = segmentNumber;
    segment = new SegmentReader(SessionFiles.segment(directory, segmentNumber));
    decoder = new EventDecoder();
    begun = false;
    continued = false;
  }

  @Override
  public void close() throws IOException {
    segment.close();
  }
}
