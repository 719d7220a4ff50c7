package dev.chaperone.policy.sql;

import dev.chaperone.policy.Dependency;
import java.util.List;

/**
 * Says how a query or DML statement uses protected columns. It reads the shape of the statement
 * from its tokens: clauses, the items of each SELECT list, the sources of each FROM list. Inside of
 * an expression it does not read the grammar: any name that may mean a protected column there is a
 * use of it.
 *
 * <p>In a statement of a client a protected column may only be a result column by itself; any other
 * use, and any shape that is not known here, is refused. In the definition of a view every column
 * of the result is found that is made with a protected one ({@link #lineage}).
 *
 * <p>{@link ColumnQueryReader} reads the statement with its siblings, one for each part of it:
 * sources, items, expressions, writes. {@link ColumnRefusals} says what is refused.
 */
final class ColumnUsageReader {

  private ColumnUsageReader() {}

  /** What a statement of a client does. */
  static Masking usage(List<Token> tokens, Scope scope, Reading reading) {
    ClauseCursor in = new ClauseCursor(tokens);
    ColumnQueryReader reader = new ColumnQueryReader(in, scope, scope.protectedColumns());
    try {
      List<ResultColumn> result = reader.statement(new QueryFrame(null));
      if (in.position < in.size) {
        throw ColumnRefusals.unclear();
      }
      List<String> shown =
          result.stream()
              .filter(ResultColumn::isProtected)
              .map(column -> column.name() == null ? "?column?" : column.name())
              .toList();
      boolean compares = reader.comparisons().areAny();
      // A constant that a masked value is found to be equal to is that value.
      reader.comparisons().operands().forEach(reader.writes()::hide);
      return new Masking.Projects(
          shown,
          reader.writes().maskedParameters(),
          reader.writes().hidesLiterals(),
          reader.derived().outputs(result),
          compares);
    } catch (ColumnUsageException e) {
      return e.refused();
    } finally {
      if (reader.ordinals().areUsed() || reader.derived().wasTried()) {
        reading.dependsOn(Dependency.LITERALS);
      }
    }
  }

  /**
   * The columns of a view's result, each with the strictest mask of what it is made with; null
   * where its definition is not understood.
   */
  static List<ResultColumn> lineage(List<Token> tokens, Scope scope, ProtectedColumns columns) {
    ClauseCursor in = new ClauseCursor(tokens);
    ColumnQueryReader reader = new ColumnQueryReader(in, scope, columns, true, true);
    try {
      List<ResultColumn> result = reader.query(new QueryFrame(null));
      return in.position < in.size ? null : result;
    } catch (ColumnUsageException e) {
      return null;
    }
  }
}
