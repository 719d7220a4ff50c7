package dev.chaperone.sidecar.journal;

/** What was to be on the disk is not. */
public final class JournalUnavailableException extends Exception {
  private static final long serialVersionUID = 1L;

  private final Availability availability;

  JournalUnavailableException(Availability availability) {
    super(availability.message(), null, false, false);
    this.availability = availability;
  }

  /** Why. */
  public Availability availability() {
    return availability;
  }
}
