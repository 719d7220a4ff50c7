package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.ClauseCursor.Range;
import dev.chaperone.policy.sql.QueryFrame.Reference;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.List;
import java.util.Set;

/** Reads the items of SELECT and RETURNING lists: the result columns that each makes. */
final class ColumnItemReader {
  private final ClauseCursor in;
  private final boolean follows;
  private final ColumnOrdinals ordinals;
  private final ColumnExpressionReader expressions;
  private final DerivedColumnReader derived;

  /**
   * @param follows whether anybody wants to know where values come from
   */
  ColumnItemReader(
      ClauseCursor in,
      boolean follows,
      ColumnOrdinals ordinals,
      ColumnExpressionReader expressions,
      DerivedColumnReader derived) {
    this.in = in;
    this.follows = follows;
    this.ordinals = ordinals;
    this.expressions = expressions;
    this.derived = derived;
  }

  /** One item of a SELECT or RETURNING list. */
  void read(Range range, QueryFrame frame, List<ResultColumn> result) throws ColumnUsageException {
    int start = range.start();
    int end = range.end();
    if (start >= end) {
      throw ColumnRefusals.unclear();
    }
    if (in.tokens.get(end - 1).isOperator("*")) {
      derived.star();
    }
    if (end - start == 1 && in.tokens.get(start).isOperator("*")) {
      ordinals.uncertain();
      if (frame.sources().isEmpty()) {
        throw ColumnRefusals.unclear();
      }
      for (RowSource source : frame.sources()) {
        result.addAll(source.star());
      }
      return;
    }
    in.position = start;
    List<String> chain = in.isNameHere(start) ? in.chain() : List.of();
    if (!chain.isEmpty()
        && in.position == end - 2
        && in.isPunctuation(in.position, ".")
        && in.tokens.get(end - 1).isOperator("*")) {
      RowSource source =
          chain.size() == 1 ? frame.source(chain.get(0)) : frame.relation(String.join(".", chain));
      if (source == null) {
        throw ColumnRefusals.unknown(String.join(".", chain));
      }
      if (source.columns() == null) {
        ordinals.uncertain();
      }
      result.addAll(source.star());
      return;
    }
    boolean bare =
        !chain.isEmpty()
            && (in.position == end
                || (in.position == end - 2
                    && in.isWord(in.position, "as")
                    && in.tokens.get(end - 1).isName())
                || (in.position == end - 1 && in.tokens.get(in.position).isName()));
    String alias = alias(range, frame, bare);
    if (bare) {
      Reference reference = frame.resolve(chain);
      if (reference.meaning() == QueryFrame.Meaning.PROTECTED
          || reference.meaning() == QueryFrame.Meaning.PLAIN) {
        String name = alias == null ? chain.get(chain.size() - 1) : alias;
        result.add(
            new ResultColumn(
                name,
                reference.mask(),
                follows ? reference.lineage() : Lineage.UNKNOWN,
                reference.column() == null ? Taint.NONE : reference.column().taint(),
                reference.column() == null
                    ? Comparability.NONE
                    : reference.column().comparability(),
                false));
        return;
      }
    }
    int bodyEnd =
        alias == null ? end : in.isWord(end - 2, "as") && in.label[end - 1] ? end - 2 : end - 1;
    ResultColumn expression = derived.read(new Range(start, bodyEnd), alias, frame);
    if (expression != null) {
      result.add(expression);
      return;
    }
    ColumnExpressionReader.Value value =
        expressions.read(new Range(start, bodyEnd), frame, List.of(), Clause.OTHER);
    result.add(new ResultColumn(alias, value.mask(), value.lineage()));
  }

  /** The name that an item gives its column, or null. */
  private String alias(Range range, QueryFrame frame, boolean bare) throws ColumnUsageException {
    int last = range.end() - 1;
    if (last <= range.start() || !in.tokens.get(last).isName()) {
      return null;
    }
    String name = in.tokens.get(last).text();
    if (in.label[last]) {
      return in.isWord(last - 1, "as") ? name : null;
    }
    if (!bare && !endsExpression(last - 1)) {
      return null;
    }
    if (bare && in.position == range.end()) {
      return null;
    }
    if (ClauseCursor.isSyntax(in.tokens.get(last)) && !bare) {
      return null;
    }
    if (frame.protectsColumn(name)) {
      // The server would read it so too; but nobody is to find out otherwise.
      throw ColumnRefusals.renamedTo(name);
    }
    return name;
  }

  /** Whether an expression may end with this token, so that a name behind it is an alias. */
  private boolean endsExpression(int index) {
    Token token = in.tokens.get(index);
    return switch (token.kind()) {
      case STRING, NUMBER, BITS, HEX, PARAMETER -> true;
      case PUNCTUATION ->
          token.text().equals("]") || (token.text().equals(")") && !closesOperator(index));
      case WORD, QUOTED ->
          in.label[index]
              || token.kind() == Kind.QUOTED
              || !ClauseCursor.isSyntax(token)
              || Set.of("end", "null", "true", "false").contains(token.text());
      default -> false;
    };
  }

  private boolean closesOperator(int close) {
    int depth = 0;
    for (int i = close; i >= 0; i--) {
      if (in.isPunctuation(i, ")")) {
        depth++;
      } else if (in.isPunctuation(i, "(") && --depth == 0) {
        return in.isWord(i - 1, "operator");
      }
    }
    return true;
  }
}
