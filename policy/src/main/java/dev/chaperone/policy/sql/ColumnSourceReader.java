package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.ClauseCursor.Range;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/** Reads lists of FROM items and their joins: the row sources that each adds to a frame. */
final class ColumnSourceReader {
  /** An expression that may name what follows it in the list. */
  private record Pending(Range range, Clause clause) {}

  private final ClauseCursor in;
  private final Scope scope;
  private final boolean lineage;
  private final ResultColumns results;
  private final ColumnOrdinals ordinals;
  private final RowSources sources;
  private final ColumnExpressionReader expressions;
  private final ColumnQueryReader queries;

  ColumnSourceReader(
      ClauseCursor in,
      Scope scope,
      boolean lineage,
      ResultColumns results,
      ColumnOrdinals ordinals,
      RowSources sources,
      ColumnExpressionReader expressions,
      ColumnQueryReader queries) {
    this.in = in;
    this.scope = scope;
    this.lineage = lineage;
    this.results = results;
    this.ordinals = ordinals;
    this.sources = sources;
    this.expressions = expressions;
    this.queries = queries;
  }

  /** The list behind FROM or USING. */
  void read(QueryFrame frame) throws ColumnUsageException {
    List<Pending> conditions = new ArrayList<>();
    do {
      fromItem(frame, conditions);
    } while (in.accept(","));
    for (Pending condition : conditions) {
      expressions.read(condition.range(), frame, List.of(), condition.clause());
    }
  }

  /** An item and what is joined to it. */
  private void fromItem(QueryFrame frame, List<Pending> conditions) throws ColumnUsageException {
    source(frame, conditions);
    while (true) {
      int start = in.position;
      boolean natural = false;
      if (in.isWord(in.position, "natural")) {
        natural = true;
        in.position++;
      }
      while (in.isWord(in.position, "inner")
          || in.isWord(in.position, "cross")
          || in.isWord(in.position, "left")
          || in.isWord(in.position, "right")
          || in.isWord(in.position, "full")
          || in.isWord(in.position, "outer")) {
        in.position++;
      }
      if (!in.isWord(in.position, "join")) {
        if (in.position != start) {
          throw ColumnRefusals.unclear();
        }
        return;
      }
      in.position++;
      // The right side may itself be joined, before its ON: a JOIN b JOIN c ON x ON y.
      source(frame, conditions);
      if (natural) {
        if (!lineage && frame.isProtected()) {
          throw ColumnRefusals.naturalJoin();
        }
        ordinals.uncertain();
      }
      joinCondition(frame, conditions);
    }
  }

  private void joinCondition(QueryFrame frame, List<Pending> conditions)
      throws ColumnUsageException {
    if (in.isWord(in.position, "on")) {
      in.position++;
      conditions.add(new Pending(in.clause(), Clause.CONDITION));
    } else if (in.isWord(in.position, "using")) {
      in.position++;
      ordinals.uncertain();
      for (String name : in.columnList()) {
        if (!lineage && frame.protectsColumn(name)) {
          throw ColumnRefusals.used(name, "be joined by");
        }
      }
      if (in.isWord(in.position, "as")) {
        in.position++;
        frame.add(RowSource.opaque(in.name()));
      }
    }
  }

  private void source(QueryFrame frame, List<Pending> conditions) throws ColumnUsageException {
    if (in.isWord(in.position, "lateral")) {
      in.position++;
    }
    if (in.isPunctuation(in.position, "(")) {
      if (isQueryInParentheses()) {
        derived(frame);
      } else {
        joined(frame, conditions);
      }
      return;
    }
    if (in.isWord(in.position, "rows") && in.isWord(in.position + 1, "from")) {
      in.position += 2;
      functionSource(frame, null, conditions);
      return;
    }
    if (in.isWord(in.position, "only")) {
      in.position++;
      boolean parenthesis = in.accept("(");
      List<String> name = in.chain();
      if (name.isEmpty() || (parenthesis && !in.accept(")"))) {
        throw ColumnRefusals.unclear();
      }
      frame.add(aliased(frame, name));
      return;
    }
    if (!in.isNameHere(in.position) && !isValueFunction()) {
      throw ColumnRefusals.unclear();
    }
    List<String> name = in.chain();
    if (in.isPunctuation(in.position, "(")) {
      functionSource(frame, name.get(name.size() - 1), conditions);
      return;
    }
    frame.add(aliased(frame, name));
    if (in.isWord(in.position, "tablesample")) {
      in.position++;
      in.chain();
      arguments(conditions);
      if (in.isWord(in.position, "repeatable")) {
        in.position++;
        arguments(conditions);
      }
    }
  }

  private boolean isValueFunction() {
    return in.position < in.size
        && in.tokens.get(in.position).kind() == Kind.WORD
        && Keywords.isValueFunction(
            in.tokens.get(in.position).text(), scope.catalog().serverVersionNum());
  }

  private void arguments(List<Pending> conditions) throws ColumnUsageException {
    if (!in.isPunctuation(in.position, "(")) {
      throw ColumnRefusals.unclear();
    }
    int end = in.closing(in.position);
    conditions.add(new Pending(new Range(in.position + 1, end), Clause.OTHER));
    in.position = end + 1;
  }

  /** A function in FROM: what it returns is not known, its arguments are expressions. */
  private void functionSource(QueryFrame frame, String name, List<Pending> conditions)
      throws ColumnUsageException {
    arguments(conditions);
    if (in.isWord(in.position, "with") && in.isWord(in.position + 1, "ordinality")) {
      in.position += 2;
    }
    String alias = name;
    boolean named = in.isWord(in.position, "as");
    if (named) {
      in.position++;
    }
    if (named && in.isPunctuation(in.position, "(")) {
      in.position = in.closing(in.position) + 1;
    } else if (named || in.isAlias(in.position)) {
      alias = in.name();
      if (in.isPunctuation(in.position, "(")) {
        in.position = in.closing(in.position) + 1;
      }
    }
    frame.add(RowSource.opaque(alias));
  }

  /** {@code (SELECT ...) AS s}. */
  private void derived(QueryFrame frame) throws ColumnUsageException {
    in.position++;
    List<ResultColumn> result = queries.query(frame);
    if (!in.accept(")")) {
      throw ColumnRefusals.unclear();
    }
    String alias = null;
    List<String> names = null;
    if (in.isWord(in.position, "as") || in.isAlias(in.position)) {
      in.position += in.isWord(in.position, "as") ? 1 : 0;
      alias = in.name();
      names = in.isPunctuation(in.position, "(") ? in.columnList() : null;
    }
    List<ResultColumn> inside =
        sources.through(alias == null ? "subquery" : "subquery " + alias, result);
    frame.add(new RowSource(alias, null, results.renamed(inside, names, "an alias with columns")));
  }

  /** {@code (a JOIN b ON ...)}. */
  private void joined(QueryFrame frame, List<Pending> conditions) throws ColumnUsageException {
    in.position++;
    QueryFrame inside = new QueryFrame(frame);
    fromItem(inside, conditions);
    if (!in.accept(")")) {
      throw ColumnRefusals.unclear();
    }
    if (in.isWord(in.position, "as") || in.isAlias(in.position)) {
      if (inside.sources().stream().anyMatch(RowSource::isProtected)) {
        throw ColumnRefusals.aliasOfJoin();
      }
      in.position += in.isWord(in.position, "as") ? 1 : 0;
      String alias = in.name();
      if (in.isPunctuation(in.position, "(")) {
        in.position = in.closing(in.position) + 1;
      }
      frame.add(RowSource.opaque(alias));
    }
    // Conditions inside may name what is inside.
    inside.sources().forEach(frame::add);
  }

  /** Whether the parenthesis here holds a query and no join. */
  private boolean isQueryInParentheses() {
    int i = in.position;
    while (in.isPunctuation(i, "(")) {
      i++;
    }
    if (!in.isQueryHead(i)) {
      return false;
    }
    if (i == in.position + 1) {
      return true;
    }
    int after = in.closing(i - 1) + 1;
    return in.isPunctuation(after, ")") || in.isSetOperator(after) || in.isTailWord(after);
  }

  private RowSource aliased(QueryFrame frame, List<String> name) throws ColumnUsageException {
    if (in.position < in.size && in.tokens.get(in.position).isOperator("*")) {
      in.position++;
    }
    String alias = null;
    List<String> names = null;
    if (in.isWord(in.position, "as") || in.isAlias(in.position)) {
      in.position += in.isWord(in.position, "as") ? 1 : 0;
      alias = in.name();
      names = in.isPunctuation(in.position, "(") ? in.columnList() : null;
    }
    RowSource source = sources.named(frame, name, alias);
    return names == null || source.columns() == null
        ? source
        : new RowSource(
            source.alias(),
            null,
            results.renamed(source.columns(), names, "an alias with columns"));
  }
}
