package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.sidecar.gateway.RowLimit;

/**
 * What one operation has sent to the client so far. An operation may span many messages: each
 * Execute of a portal goes on counting where the last one stopped.
 */
final class RunningOperation {
  private final RowLimit limit;
  private final boolean changesData;
  private final ResultGuard guard;
  private long rows;
  private long bytes;
  private long maskedValues;
  private ErrorReply aborted;
  private boolean cancelled;
  private RecordedOperation recorded = RecordedOperation.NONE;

  /**
   * An operation that begins.
   *
   * @param changesData whether it may change more than the client's own session
   * @param guard what its results are held against; null where nothing is masked
   */
  RunningOperation(RowLimit limit, boolean changesData, ResultGuard guard) {
    this.limit = limit;
    this.changesData = changesData;
    this.guard = guard;
  }

  /** Whether it may change more than the client's own session. */
  boolean changesData() {
    return changesData;
  }

  /** What its results are held against; null where nothing is masked. */
  ResultGuard guard() {
    return guard;
  }

  /** Counts values that were masked. */
  void masked(int values) {
    maskedValues += values;
  }

  /** How many values were masked so far. */
  long maskedValues() {
    return maskedValues;
  }

  /**
   * Counts a row.
   *
   * @return whether it is within the limits
   */
  boolean count(int rowBytes) {
    rows++;
    bytes += rowBytes;
    return rows <= limit.rows() && bytes <= limit.bytes();
  }

  /** What the client is told when the limit is passed. */
  ErrorReply limitExceeded() {
    String what =
        rows > limit.rows()
            ? limit.rows() + " rows (rowsPerOperation)"
            : limit.bytes() + " bytes (bytesPerOperation)";
    return new ErrorReply(
        ErrorReply.Severity.ERROR,
        SqlState.CONFIGURATION_LIMIT_EXCEEDED,
        "result is larger than policy allows: more than " + what,
        changesData
            ? "The rows sent so far are not the whole result. Outside a transaction block the changes"
                + " may have been made."
            : "The rows sent so far are not the whole result.",
        "Ask for fewer rows, for example with LIMIT or a narrower WHERE.",
        "");
  }

  /** Ends the operation; what the target still sends of it is not passed on. */
  void abort(ErrorReply error) {
    aborted = error;
  }

  /** The target was told to stop. */
  void cancelled() {
    cancelled = true;
  }

  /** Whether it was ended and the target still goes on with it. */
  boolean runsOn() {
    return aborted != null && !cancelled;
  }

  /** It is recorded so. */
  RunningOperation recordedAs(RecordedOperation record) {
    recorded = record;
    if (guard != null) {
      record.underMasks();
    }
    return this;
  }

  /** What is remembered of it. */
  RecordedOperation recorded() {
    return recorded;
  }

  /** Why it was ended, or null. */
  ErrorReply aborted() {
    return aborted;
  }
}
