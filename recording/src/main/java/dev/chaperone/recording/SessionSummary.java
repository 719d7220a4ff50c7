package dev.chaperone.recording;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What can be said of a recording without reading all of it: how it begins and how far it goes.
 * Only its last segment is looked at closely.
 *
 * @param opened its first event
 * @param startedMicros when that was
 * @param head its last valid event
 * @param sealed whether that is its seal
 */
public record SessionSummary(
    Event.SessionOpened opened, long startedMicros, Head head, boolean sealed) {

  /**
   * Reads a session's directory.
   *
   * @return empty where there is no first event that can be read
   * @throws IOException when a file cannot be read
   */
  public static Optional<SessionSummary> read(Path directory) throws IOException {
    List<Integer> segments = SessionFiles.segments(directory);
    if (segments.isEmpty()) {
      return Optional.empty();
    }
    Optional<RecordedEvent> first;
    try (SessionReader reader = new SessionReader(directory)) {
      first = reader.next();
    } catch (MalformedRecordingException e) {
      return Optional.empty();
    }
    if (first.isEmpty() || !(first.get().event() instanceof Event.SessionOpened opened)) {
      return Optional.empty();
    }
    for (int i = segments.size() - 1; i >= 0; i--) {
      Optional<SessionSummary> summary =
          end(SessionFiles.segment(directory, segments.get(i)), opened, first.get().micros());
      if (summary.isPresent()) {
        return summary;
      }
    }
    return Optional.empty();
  }

  /** The valid part of one segment; empty where it is not begun. */
  private static Optional<SessionSummary> end(Path file, Event.SessionOpened opened, long started)
      throws IOException {
    try (SegmentReader reader = new SegmentReader(file)) {
      SegmentHeader header = reader.header();
      if (header == null) {
        return Optional.empty();
      }
      Head head = new Head(header.firstEvent() - 1, header.previous());
      Bytes hash = header.encodedHash();
      boolean sealed = false;
      for (Frame frame = nextOrNull(reader); frame != null; frame = nextOrNull(reader)) {
        if (sealed
            || frame.sequence() != head.events() + 1
            || !frame.follows(hash, Format.sha256())) {
          break;
        }
        hash = frame.hash();
        head = new Head(frame.sequence(), hash);
        sealed = frame.type() == Format.TYPE_SEALED;
      }
      return Optional.of(new SessionSummary(opened, started, head, sealed));
    } catch (MalformedRecordingException e) {
      return Optional.empty();
    }
  }

  private static Frame nextOrNull(SegmentReader reader) throws IOException {
    try {
      return reader.next();
    } catch (MalformedRecordingException e) {
      return null;
    }
  }
}
