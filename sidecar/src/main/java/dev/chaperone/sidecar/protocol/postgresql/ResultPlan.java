package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.sql.Masking;
import dev.chaperone.policy.sql.ProtectedColumns;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.policy.sql.SqlStatement;
import dev.chaperone.recording.MasksInForce;
import dev.chaperone.recording.Repeated;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What the results of a text are held against: the columns that are masked, what is looked for in
 * text, and how many masked columns each statement was found to return. Worked out once when the
 * text is judged; null where nothing is masked.
 *
 * @param masks what applies to the client
 * @param columns the columns of this target that are masked
 * @param statements what each statement does with them, in order
 * @param withRows which of the statements ask for rows
 * @param needsDescription whether rows may only be passed on once their columns are known
 * @param recorded the masks, as they are recorded
 */
record ResultPlan(
    Masks masks,
    ProtectedColumns columns,
    List<Masking> statements,
    List<Boolean> withRows,
    boolean needsDescription,
    Repeated<MasksInForce> recorded) {
  ResultPlan {
    statements = List.copyOf(statements);
    withRows = List.copyOf(withRows);
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
    return of(context, understood.statements(), runsUnknownCode);
  }

  /** The plan of what stands behind a name: a cursor. */
  static ResultPlan ofBody(JudgementContext context, SqlStatement body, boolean runsUnknownCode) {
    return context.ruling().masks().isEmpty() ? null : of(context, List.of(body), runsUnknownCode);
  }

  private static ResultPlan of(
      JudgementContext context, List<SqlStatement> texts, boolean runsUnknownCode) {
    List<Masking> statements = texts.stream().map(SqlStatement::masking).toList();
    Masks masks = context.ruling().masks();
    ProtectedColumns columns = context.session().protectedColumns();
    boolean touches = statements.stream().anyMatch(Masking::touches);
    return new ResultPlan(
        masks,
        columns,
        statements,
        texts.stream().map(SqlStatement::asksForRows).toList(),
        touches || !masks.detectors().isEmpty() || (runsUnknownCode && !columns.isEmpty()),
        context.masks());
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

  /** Whether the text is to be shown and recorded without its literals. */
  boolean hidesLiterals() {
    return statements.stream().anyMatch(Masking::hidesLiterals);
  }

  /** The numbers of the parameters whose values go into masked columns. */
  Set<Integer> maskedParameters() {
    Set<Integer> parameters = new HashSet<>();
    for (Masking masking : statements) {
      if (masking instanceof Masking.Projects projects) {
        parameters.addAll(projects.maskedParameters());
      }
    }
    return parameters;
  }

  /** Whether a statement may have a result at all, where columns are masked. */
  boolean mayHaveRows(int statement) {
    return columns.isEmpty() || (statement < withRows.size() && withRows.get(statement));
  }

  /** How many masked columns its statements return, each number once. */
  List<Integer> returned() {
    return IntStream.range(0, statements.size())
        .map(this::maskedColumns)
        .distinct()
        .sorted()
        .boxed()
        .toList();
  }

  /**
   * What each column is that a statement returns, where expressions over masked columns are among
   * them; else nothing.
   */
  List<Masking.Output> outputs(int statement) {
    return statement < statements.size()
            && statements.get(statement) instanceof Masking.Projects projects
        ? projects.outputs()
        : List.of();
  }

  /**
   * How many masked columns a statement returns, by themselves or in expressions; none for one that
   * was not foreseen.
   */
  int maskedColumns(int statement) {
    return statement < statements.size()
            && statements.get(statement) instanceof Masking.Projects projects
        ? projects.columns().size()
        : 0;
  }
}
