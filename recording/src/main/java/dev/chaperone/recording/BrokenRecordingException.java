package dev.chaperone.recording;

import dev.chaperone.recording.Verification.Damage;

/** What has arrived of a recording is not what follows from what was there before. */
public final class BrokenRecordingException extends Exception {
  private static final long serialVersionUID = 1L;

  private final Damage damage;
  private final long event;

  BrokenRecordingException(Damage damage, long event, String explanation) {
    super(explanation);
    this.damage = damage;
    this.event = event;
  }

  /** What it looks like. */
  public Damage damage() {
    return damage;
  }

  /** The number of the event that was expected there. */
  public long event() {
    return event;
  }
}
