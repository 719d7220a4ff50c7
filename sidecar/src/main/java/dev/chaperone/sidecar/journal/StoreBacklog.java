package dev.chaperone.sidecar.journal;

/**
 * What one session has recorded and the operator has not stored, and what follows from it. Guarded
 * by the session's lock.
 */
final class StoreBacklog {
  private final StoreLimit limit;
  private long stored;
  private boolean refused;

  StoreBacklog(StoreLimit limit) {
    this.limit = limit;
  }

  /**
   * So much is stored, by whichever replica; what one has said is not taken back by another.
   *
   * @param bytes of all segments together
   */
  void stored(long bytes) {
    stored = Math.max(stored, bytes);
    refused = false;
  }

  /** The operator will not take it any more. */
  void refused() {
    refused = true;
  }

  /**
   * How much is not stored.
   *
   * @param recorded the length of all segments together, in bytes
   */
  long unstored(long recorded) {
    return limit.isKept() ? Math.max(0, recorded - stored) : 0;
  }

  Availability evaluate(long recorded) {
    return limit.isKept() && (refused || limit.isExceededBy(recorded - stored))
        ? Availability.NOT_STORED
        : Availability.AVAILABLE;
  }
}
