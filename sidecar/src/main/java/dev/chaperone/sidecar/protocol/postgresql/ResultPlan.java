package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.sql.Masking;
import dev.chaperone.policy.sql.ProtectedColumns;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.policy.sql.SqlStatement;
import java.util.List;

/**
 * What the results of a text are held against: the columns that are masked, what is looked for in
 * text, and how many masked columns each statement was found to return. Worked out once when the
 * text is judged; null where nothing is masked.
 *
 * @param masks what applies to the client
 * @param columns the columns of this target that are masked
 * @param statements what each statement does with them, in order
 * @param needsDescription whether rows may only be passed on once their columns are known
 */
record ResultPlan(
    Masks masks, ProtectedColumns columns, List<Masking> statements, boolean needsDescription) {
  ResultPlan {
    statements = List.copyOf(statements);
  }

  /**
   * The plan of a text.
   *
   * @param runsUnknownCode whether it runs what is not known to be harmless
   * @return null where nothing is masked
   */
  static ResultPlan of(
      JudgementContext context, SqlAnalysis.Understood understood, boolean runsUnknownCode) {
    Masks masks = context.ruling().masks();
    if (masks.isEmpty()) {
      return null;
    }
    List<Masking> statements = understood.statements().stream().map(SqlStatement::masking).toList();
    return of(context, statements, runsUnknownCode);
  }

  /** The plan of what stands behind a name: a cursor. */
  static ResultPlan ofBody(JudgementContext context, SqlStatement body, boolean runsUnknownCode) {
    return context.ruling().masks().isEmpty()
        ? null
        : of(context, List.of(body.masking()), runsUnknownCode);
  }

  private static ResultPlan of(
      JudgementContext context, List<Masking> statements, boolean runsUnknownCode) {
    Masks masks = context.ruling().masks();
    ProtectedColumns columns = context.session().protectedColumns();
    boolean touches = statements.stream().anyMatch(Masking::touches);
    return new ResultPlan(
        masks,
        columns,
        statements,
        touches || !masks.detectors().isEmpty() || (runsUnknownCode && !columns.isEmpty()));
  }

  /** Whether a statement names a relation that has masked columns. */
  boolean touches() {
    for (Masking masking : statements) {
      if (masking.touches()) {
        return true;
      }
    }
    return false;
  }

  /** How many masked columns a statement returns; none for one that was not foreseen. */
  int maskedColumns(int statement) {
    return statement < statements.size()
            && statements.get(statement) instanceof Masking.Projects projects
        ? projects.columns().size()
        : 0;
  }
}
