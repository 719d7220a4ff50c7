package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.Masking;
import dev.chaperone.recording.Columns;
import dev.chaperone.recording.Repeated;
import java.util.List;
import java.util.Optional;

/**
 * Holds the results of one operation against what was found when it was judged. Rows pass only as
 * their masks make them, and only where the target describes the columns that were foreseen:
 *
 * <pre>
 *   UNDESCRIBED --asked--&gt; ASKED --RowDescription or NoData--&gt; DESCRIBED
 *        ^                   | skipped by an error                 |
 *        +-------------------+                                     |
 *        +------------- the next statement of a simple query ------+
 * </pre>
 *
 * <p>Used by one event loop.
 */
final class ResultGuard {
  private enum State {
    UNDESCRIBED,
    ASKED,
    DESCRIBED
  }

  private final List<ResultPlan> plans;
  private State state = State.UNDESCRIBED;
  private int statement;
  private RowMask mask;
  private Repeated<Columns> shown;
  private boolean answeredEmpty;

  /**
   * A guard for an operation.
   *
   * @param plans one for each text it may be; never empty
   */
  ResultGuard(List<ResultPlan> plans) {
    this.plans = plans;
  }

  /** The guard for an operation, or null where nothing is masked. */
  static ResultGuard of(List<Judgement> judgements) {
    if (judgements.isEmpty() || judgements.get(0).plan() == null) {
      return null;
    }
    return new ResultGuard(judgements.stream().map(Judgement::plan).toList());
  }

  ResultPlan plan() {
    return plans.get(0);
  }

  /** Whether the operation names a relation that has masked columns. */
  boolean touches() {
    for (ResultPlan plan : plans) {
      if (plan.touches()) {
        return true;
      }
    }
    return false;
  }

  /** Whether its columns must be asked for before it runs. */
  boolean wantsDescription() {
    if (state != State.UNDESCRIBED || answeredEmpty) {
      return false;
    }
    for (ResultPlan plan : plans) {
      if (plan.needsDescription()) {
        return true;
      }
    }
    return false;
  }

  /** The target was asked what its columns are. */
  void asked() {
    if (state == State.UNDESCRIBED) {
      state = State.ASKED;
    }
  }

  /** The target will not answer: an error came before. */
  void skipped() {
    if (state == State.ASKED) {
      state = State.UNDESCRIBED;
    }
  }

  /**
   * Its columns are known.
   *
   * @param rowMask what they are masked by, or null where none needs a look
   * @param columns the same, as it is recorded
   */
  void described(RowMask rowMask, Repeated<Columns> columns) {
    state = State.DESCRIBED;
    mask = rowMask;
    shown = columns;
  }

  /** Its columns as they are recorded, once they are known; else null. */
  Repeated<Columns> shown() {
    return shown;
  }

  /** It has no rows: where some come all the same, they do not pass. */
  void noRows() {
    state = State.UNDESCRIBED;
    mask = null;
    shown = null;
    answeredEmpty = true;
  }

  /** One statement of a simple query is done. */
  void statementDone() {
    statement++;
    mask = null;
    shown = null;
    state = State.UNDESCRIBED;
  }

  /** Whether so many masked columns were foreseen for the statement at hand. */
  boolean foresees(int maskedColumns) {
    for (ResultPlan plan : plans) {
      if (plan.mayHaveRows(statement) && plan.maskedColumns(statement) == maskedColumns) {
        return true;
      }
    }
    return false;
  }

  /**
   * What each column of the statement at hand was found to be, where expressions over masked
   * columns are among them: these are replaced by their place in the result.
   *
   * @return empty where the texts it may be differ; a list of nothing where there are none
   */
  Optional<List<Masking.Output>> outputs() {
    List<Masking.Output> first = plans.get(0).outputs(statement);
    for (ResultPlan plan : plans) {
      if (!plan.outputs(statement).equals(first)) {
        return Optional.empty();
      }
    }
    return Optional.of(first);
  }

  /** Whether rows are to be looked at, or must not come at all. */
  boolean looksAtRows() {
    return mask != null || (state != State.DESCRIBED && mayHoldSecrets());
  }

  private boolean mayHoldSecrets() {
    for (ResultPlan plan : plans) {
      if (plan.needsDescription()) {
        return true;
      }
    }
    return false;
  }

  /** What rows are masked by; null where they came without a description. */
  RowMask mask() {
    return mask;
  }
}
