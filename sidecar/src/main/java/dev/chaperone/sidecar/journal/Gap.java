package dev.chaperone.sidecar.journal;

import dev.chaperone.recording.Event;

/**
 * What happened and is not recorded, until the recording says so. Guarded by its session's lock.
 */
final class Gap {
  private long sinceMicros;
  private long operations;
  private long others;
  private Availability cause = Availability.AVAILABLE;

  /** An operation went on without a record. */
  void operation(Availability why) {
    begin(why);
    operations++;
  }

  /** Something else happened that there was no room for. */
  void other(Availability why) {
    begin(why);
    others++;
  }

  private void begin(Availability why) {
    if (isEmpty()) {
      sinceMicros = SessionJournal.micros();
      cause = why;
    }
  }

  boolean isEmpty() {
    return sinceMicros == 0;
  }

  Event.RecordingGap event() {
    return new Event.RecordingGap(
        sinceMicros,
        operations,
        others,
        cause == Availability.AVAILABLE ? "no room" : cause.message());
  }

  /** The recording says so now. */
  void clear() {
    sinceMicros = 0;
    operations = 0;
    others = 0;
  }
}
