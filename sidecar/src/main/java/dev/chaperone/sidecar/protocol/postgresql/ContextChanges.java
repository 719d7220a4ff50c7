package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.SessionEffect;
import dev.chaperone.sidecar.protocol.postgresql.StatementNames.Portal;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What the statements that one client sent may have changed: role, search path, catalog, and what
 * its transaction holds. Until the target has said how it stands nothing more is judged where that
 * matters.
 *
 * <p>Used by the client's event loop.
 */
final class ContextChanges {
  private final Judge judge;
  private final StatementNames names;

  /** The target is to answer all that was sent before anything more is judged; so it begins. */
  private boolean settling = true;

  /** The context may be another one when what was sent is done, or when the transaction ends. */
  private boolean disturbed;

  /** The search path may be one that only the target knows yet. */
  private boolean searchPathUnknown;

  /** An Execute was sent since the last Sync: the target keeps its transaction open. */
  private boolean executedInGroup;

  /** Something that may change data was sent since the target was last outside a transaction. */
  private boolean wrote;

  /** The catalog may be another one when the open transaction is over. */
  private boolean catalogChanged;

  ContextChanges(Judge judge, StatementNames names) {
    this.judge = judge;
    this.names = names;
  }

  /** Whether nothing more is judged until the target has answered all that was sent. */
  boolean isSettling() {
    return settling;
  }

  /** Whether the search path may be one that only the target knows yet. */
  boolean isSearchPathUnknown() {
    return searchPathUnknown;
  }

  /** Whether a statement that changes the catalog was sent since it was last read. */
  boolean isCatalogChanged() {
    return catalogChanged;
  }

  /**
   * The target has answered all that was sent.
   *
   * @param stillDisturbed whether the context may change again without a statement that says so,
   *     when the open transaction ends
   */
  void settled(boolean stillDisturbed) {
    settling = false;
    searchPathUnknown = false;
    disturbed = stillDisturbed;
    catalogChanged &= stillDisturbed;
  }

  /** An Execute is sent. */
  void executes() {
    executedInGroup = true;
  }

  /** A Sync or a simple query is sent. */
  void groupEnds() {
    executedInGroup = false;
  }

  /** The target is outside a transaction, and nothing was sent since that opens one. */
  void transactionEnded() {
    if (!executedInGroup) {
      wrote = false;
    }
  }

  /** What the next operation would be part of, where the target has answered all that was sent. */
  TransactionState transactionState(TransactionStatus status) {
    if (status == TransactionStatus.FAILED) {
      return TransactionState.FAILED;
    }
    if (status == TransactionStatus.IDLE && !executedInGroup) {
      return TransactionState.NONE;
    }
    return wrote ? TransactionState.WRITTEN : TransactionState.OPEN;
  }

  /** Where the context may have changed, nothing more is judged until the target has answered. */
  void settleIfDisturbed() {
    if (disturbed) {
      settling = true;
    }
  }

  /**
   * A statement is sent now.
   *
   * @param group the Sync group it is sent in
   * @param recorded what is remembered of the operation it belongs to
   */
  void sent(Judgement judgement, long group, RecordedOperation recorded) {
    if (judgement.has(Consequence.DISTURBS_CONTEXT)) {
      disturbed = true;
    }
    wrote |= judgement.has(Consequence.CHANGES_DATA);
    searchPathUnknown |= judgement.has(Consequence.RUNS_UNKNOWN_CODE);
    catalogChanged |= judgement.has(Consequence.CHANGES_CATALOG);
    for (SessionEffect effect : judgement.effects()) {
      if (effect instanceof SessionEffect.ChangesSearchPath change) {
        change.candidate().ifPresent(judge::searchPathMayBe);
        searchPathUnknown |= change.candidate().isEmpty();
      } else if (effect instanceof SessionEffect.ChangesRole) {
        // "$user" in the search path now stands for another schema.
        searchPathUnknown = true;
      } else if (effect instanceof SessionEffect.CreatesTemporary temporary) {
        judge.mayHaveTemporary(temporary.relation());
      } else if (effect instanceof SessionEffect.Prepares prepares) {
        names.preparing(PreparedStatement.of(prepares));
      } else if (effect instanceof SessionEffect.DeclaresCursor cursor) {
        ResultPlan plan =
            ResultPlan.ofBody(
                judgement.context(), cursor.body(), judgement.has(Consequence.RUNS_UNKNOWN_CODE));
        recorded.makesCursor();
        names.bind(
            cursor.name(),
            new Portal(
                new RunningOperation(
                        judgement.context().ruling().rowLimit(),
                        judgement.has(Consequence.CHANGES_DATA),
                        plan == null ? null : new ResultGuard(List.of(plan)))
                    .recordedAs(recorded),
                List.of(),
                List.of(cursor.body().canonical().getBytes(StandardCharsets.UTF_8)),
                group,
                cursor.withHold()));
      }
    }
  }
}
