package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.sql.ClauseCursor.Range;
import dev.chaperone.policy.sql.QueryFrame.Reference;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Says which protected columns an expression uses. It does not read the grammar of expressions: any
 * name in one that may mean a protected column is a use of it.
 */
final class ColumnExpressionReader {
  /**
   * What an expression makes.
   *
   * @param mask what it is masked by, or null
   */
  record Value(Mask mask, Lineage lineage) {}

  private final ClauseCursor in;
  private final boolean lineage;
  private final boolean follows;
  private final ColumnComparisonReader comparisons;
  private final ColumnQueryReader queries;

  /**
   * @param lineage whether columns are followed, as in a view's definition, or protected ones
   *     refused
   * @param follows whether anybody wants to know where values come from
   */
  ColumnExpressionReader(
      ClauseCursor in,
      boolean lineage,
      boolean follows,
      ColumnComparisonReader comparisons,
      ColumnQueryReader queries) {
    this.in = in;
    this.lineage = lineage;
    this.follows = follows;
    this.comparisons = comparisons;
    this.queries = queries;
  }

  /**
   * Looks at every name in an expression.
   *
   * @param result the result columns that names may mean too, in ORDER BY and GROUP BY
   * @param clause where it stands
   * @return in a view's definition, the strictest mask of what it is made with, or null; and what
   *     it is made of
   */
  Value read(Range range, QueryFrame frame, List<ResultColumn> result, Clause clause)
      throws ColumnUsageException {
    int before = in.position;
    Mask mask = null;
    Set<Lineage> from = follows ? new LinkedHashSet<>() : Set.of();
    int i = range.start();
    while (i < range.end()) {
      Token token = in.tokens.get(i);
      if (token.isPunctuation("(") && in.isQueryHead(i + 1)) {
        boolean exists = in.isWord(i - 1, "exists");
        in.position = i + 1;
        List<ResultColumn> inner = queries.query(frame);
        if (!in.isPunctuation(in.position, ")")) {
          throw ColumnRefusals.unclear();
        }
        i = in.position + 1;
        if (follows) {
          inner.forEach(column -> from.add(column.lineage()));
        }
        if (lineage) {
          for (ResultColumn column : inner) {
            mask = ResultColumns.strictest(mask, column.mask());
          }
        } else if (!exists) {
          ResultColumns.noneProtected(inner, "be returned by a query inside of an expression");
        }
        continue;
      }
      if (!in.isNameHere(i)) {
        i++;
        continue;
      }
      in.position = i;
      List<String> chain = in.chain();
      int after = in.position;
      boolean star =
          in.isPunctuation(after, ".")
              && after + 1 < in.size
              && in.tokens.get(after + 1).isOperator("*");
      Reference reference =
          star
              ? wholeRow(frame, chain)
              : isValue(i, after) ? value(frame, chain, result, i) : Reference.PLAIN;
      if (reference.mask() != null) {
        if (!lineage && !comparisons.compares(reference, clause, i, after, range, frame)) {
          if (clause == Clause.OTHER
              && reference.column() != null
              && reference.column().taint() != Taint.NONE) {
            throw ColumnRefusals.usedInExpression(
                String.join(".", chain), reference.column().taint());
          }
          throw ColumnRefusals.used(
              String.join(".", chain), "be used in an expression, a condition or for sorting");
        }
        mask = ResultColumns.strictest(mask, reference.mask());
      }
      if (follows) {
        from.add(reference.lineage());
      }
      i = after;
    }
    in.position = before;
    return new Value(mask, follows ? Lineage.computed("expression", from) : Lineage.UNKNOWN);
  }

  private Reference wholeRow(QueryFrame frame, List<String> chain) throws ColumnUsageException {
    RowSource source =
        chain.size() == 1 ? frame.source(chain.get(0)) : frame.relation(String.join(".", chain));
    if (source == null) {
      throw ColumnRefusals.unknown(String.join(".", chain));
    }
    return Reference.of(source);
  }

  private Reference value(
      QueryFrame frame, List<String> chain, List<ResultColumn> result, int start)
      throws ColumnUsageException {
    boolean named = false;
    if (chain.size() == 1) {
      for (ResultColumn column : result) {
        if (column.isNamed(chain.get(0))) {
          named = true;
          if (column.isProtected()) {
            return Reference.of(column);
          }
        }
      }
    }
    Reference reference = frame.resolve(chain);
    if (reference.meaning() == QueryFrame.Meaning.UNKNOWN
        && !named
        && !(chain.size() == 1 && ClauseCursor.isSyntax(in.tokens.get(start)))
        && (lineage || frame.isProtected())) {
      throw ColumnRefusals.unknown(String.join(".", chain));
    }
    return reference;
  }

  /** Whether a name stands for a value: it is no type, no function, no name of something else. */
  private boolean isValue(int start, int after) {
    if (in.isPunctuation(after, "(")) {
      // A call; what it is called with follows.
      return false;
    }
    Token before = start > 0 ? in.tokens.get(start - 1) : null;
    if (before != null
        && (before.isPunctuation("::")
            || isKeywordBefore(start, "collate")
            || isKeywordBefore(start, "over"))) {
      return false;
    }
    return after >= in.size || in.tokens.get(after).kind() != Kind.STRING;
  }

  private boolean isKeywordBefore(int index, String word) {
    return in.isWord(index - 1, word) && !in.label[index - 1];
  }
}
