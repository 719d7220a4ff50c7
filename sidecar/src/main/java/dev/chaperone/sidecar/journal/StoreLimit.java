package dev.chaperone.sidecar.journal;

/**
 * How much of each session's recording may wait to be stored by the operator. Said by the operator,
 * and in force until it says something else.
 */
final class StoreLimit {
  /** In bytes; 0 where the operator keeps no recordings. */
  private volatile long bytes;

  void set(long mostUnstored) {
    bytes = mostUnstored;
  }

  /** Whether the operator keeps recordings. */
  boolean isKept() {
    return bytes > 0;
  }

  boolean isExceededBy(long unstored) {
    long most = bytes;
    return most > 0 && unstored > most;
  }
}
