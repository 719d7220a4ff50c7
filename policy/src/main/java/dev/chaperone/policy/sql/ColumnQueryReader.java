package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.ClauseCursor.Range;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Reads queries, with their WITH and set operations: the columns of each one's result. */
final class ColumnQueryReader {
  private final ClauseCursor in;
  private final boolean lineage;
  private final ResultColumns results;
  private final ColumnOrdinals ordinals;
  private final RowSources sources;
  private final ColumnExpressionReader expressions;
  private final DerivedColumnReader derived;
  private final ColumnComparisonReader comparisons;
  private final ColumnItemReader items;
  private final ColumnSourceReader from;
  private final ColumnWriteReader writes;

  /** Reads a statement of a client. */
  ColumnQueryReader(ClauseCursor in, Scope scope, ProtectedColumns columns) {
    this(in, scope, columns, false, false);
  }

  /**
   * Reads a query.
   *
   * @param lineage whether columns are followed, as in a view's definition, or protected ones
   *     refused
   * @param follows whether anybody wants to know where values come from
   */
  ColumnQueryReader(
      ClauseCursor in, Scope scope, ProtectedColumns columns, boolean lineage, boolean follows) {
    this.in = in;
    this.lineage = lineage;
    this.results = new ResultColumns(lineage);
    this.ordinals = new ColumnOrdinals(in, lineage);
    this.sources = new RowSources(scope, columns, follows);
    this.comparisons = new ColumnComparisonReader(in, scope, lineage);
    this.expressions = new ColumnExpressionReader(in, lineage, follows, comparisons, this);
    this.derived = new DerivedColumnReader(in, scope, lineage);
    this.items = new ColumnItemReader(in, follows, ordinals, expressions, derived);
    this.from =
        new ColumnSourceReader(in, scope, lineage, results, ordinals, sources, expressions, this);
    this.writes = new ColumnWriteReader(in, lineage, sources, expressions, items, from, this);
  }

  ColumnOrdinals ordinals() {
    return ordinals;
  }

  DerivedColumnReader derived() {
    return derived;
  }

  ColumnComparisonReader comparisons() {
    return comparisons;
  }

  ColumnWriteReader writes() {
    return writes;
  }

  /** A query or DML, and what it returns. */
  List<ResultColumn> statement(QueryFrame frame) throws ColumnUsageException {
    int start = in.position;
    if (in.isWord(in.position, "with")) {
      with(frame);
    }
    if (!in.isDml()) {
      in.position = start;
      return query(frame);
    }
    return writes.read(frame);
  }

  /** A query up to the parenthesis that closes it, or the end; its result's columns. */
  List<ResultColumn> query(QueryFrame outer) throws ColumnUsageException {
    QueryFrame frame = new QueryFrame(outer);
    if (in.isWord(in.position, "with")) {
      with(frame);
      if (in.isDml()) {
        return writes.read(frame);
      }
    }
    QueryFrame core = new QueryFrame(frame);
    List<ResultColumn> result = operand(core);
    boolean combined = false;
    while (in.isSetOperator(in.position)) {
      String operator = in.tokens.get(in.position).text().toUpperCase(Locale.ROOT);
      in.position++;
      if (in.isWord(in.position, "all") || in.isWord(in.position, "distinct")) {
        in.position++;
      }
      List<ResultColumn> other = operand(new QueryFrame(frame));
      result = results.combined(result, other, operator);
      combined = true;
    }
    tail(combined ? frame : core, result);
    return result;
  }

  /** The list of WITH: its queries are names in the frame. */
  void with(QueryFrame frame) throws ColumnUsageException {
    in.position++;
    if (in.isWord(in.position, "recursive")
        && !in.isWord(in.position + 1, "as")
        && !in.isPunctuation(in.position + 1, "(")) {
      throw ColumnRefusals.recursive();
    }
    do {
      String name = in.name();
      List<String> names = in.isPunctuation(in.position, "(") ? in.columnList() : null;
      in.expect("as");
      if (in.isWord(in.position, "not")) {
        in.position++;
      }
      if (in.isWord(in.position, "materialized")) {
        in.position++;
      }
      if (!in.accept("(")) {
        throw ColumnRefusals.unclear();
      }
      List<ResultColumn> result = in.isDml() ? writes.read(new QueryFrame(frame)) : query(frame);
      if (!in.accept(")")) {
        throw ColumnRefusals.unclear();
      }
      frame.define(name, results.renamed(result, names, "a column list of WITH"));
    } while (in.accept(","));
  }

  /** One operand of UNION and its like: SELECT, VALUES, TABLE, or a query in parentheses. */
  private List<ResultColumn> operand(QueryFrame frame) throws ColumnUsageException {
    if (in.accept("(")) {
      List<ResultColumn> result = query(frame);
      if (!in.accept(")")) {
        throw ColumnRefusals.unclear();
      }
      return result;
    }
    if (in.isWord(in.position, "select")) {
      in.position++;
      return select(frame);
    }
    if (in.isWord(in.position, "table")) {
      in.position++;
      if (in.isWord(in.position, "only")) {
        in.position++;
      }
      RowSource source = sources.named(frame, in.chain(), null);
      frame.add(source);
      if (in.position < in.size && in.tokens.get(in.position).isOperator("*")) {
        in.position++;
      }
      return source.star();
    }
    if (in.isWord(in.position, "values")) {
      in.position++;
      return values(frame);
    }
    throw ColumnRefusals.unclear();
  }

  private List<ResultColumn> values(QueryFrame frame) throws ColumnUsageException {
    List<ResultColumn> result = List.of();
    do {
      if (!in.isPunctuation(in.position, "(")) {
        throw ColumnRefusals.unclear();
      }
      int end = in.closing(in.position);
      List<ResultColumn> row = new ArrayList<>();
      for (Range value : in.split(in.position + 1, end)) {
        ColumnExpressionReader.Value made = expressions.read(value, frame, List.of(), Clause.OTHER);
        row.add(new ResultColumn("column" + (row.size() + 1), made.mask(), made.lineage()));
      }
      result = result.isEmpty() ? row : results.combined(result, row, "VALUES");
      in.position = end + 1;
    } while (in.accept(","));
    return result;
  }

  private List<ResultColumn> select(QueryFrame frame) throws ColumnUsageException {
    boolean distinct = false;
    Range distinctOn = null;
    if (in.isWord(in.position, "all")) {
      in.position++;
    } else if (in.isWord(in.position, "distinct")) {
      in.position++;
      distinct = true;
      if (in.isWord(in.position, "on") && in.isPunctuation(in.position + 1, "(")) {
        int end = in.closing(in.position + 1);
        distinctOn = new Range(in.position + 2, end);
        in.position = end + 1;
      }
    }
    int list = in.position;
    in.skipClause();
    int listEnd = in.position;
    boolean into = false;
    if (in.isWord(in.position, "into")) {
      into = true;
      in.position++;
      in.skipClause();
    }
    if (in.isWord(in.position, "from")) {
      in.position++;
      from.read(frame);
    }
    List<ResultColumn> result = new ArrayList<>();
    if (listEnd > list) {
      int after = in.position;
      for (Range item : in.split(list, listEnd)) {
        items.read(item, frame, result);
      }
      in.position = after;
    }
    if (in.isWord(in.position, "into")) {
      throw ColumnRefusals.unclear();
    }
    if (into) {
      ResultColumns.noneProtected(result, "be copied by SELECT INTO");
    }
    if (distinct && !lineage) {
      ResultColumns.noneProtected(result, "be returned by DISTINCT, which compares it");
    }
    if (distinctOn != null) {
      ordinals.check(distinctOn, result);
      expressions.read(distinctOn, frame, result, Clause.OTHER);
    }
    while (true) {
      if (in.isWord(in.position, "where") || in.isWord(in.position, "having")) {
        in.position++;
        expressions.read(in.clause(), frame, List.of(), Clause.CONDITION);
      } else if (in.isWord(in.position, "group") && in.isWord(in.position + 1, "by")) {
        in.position += 2;
        Range by = in.clause();
        ordinals.check(by, result);
        expressions.read(by, frame, result, Clause.GROUPING);
      } else if (in.isWord(in.position, "window")) {
        in.position++;
        windows(in.clause(), frame);
      } else {
        return result;
      }
    }
  }

  /** {@code w AS (PARTITION BY ...), x AS (...)}. */
  private void windows(Range range, QueryFrame frame) throws ColumnUsageException {
    int end = range.end();
    in.position = range.start();
    do {
      in.name();
      in.expect("as");
      if (!in.isPunctuation(in.position, "(")) {
        throw ColumnRefusals.unclear();
      }
      int close = in.closing(in.position);
      expressions.read(new Range(in.position + 1, close), frame, List.of(), Clause.OTHER);
      in.position = close + 1;
    } while (in.accept(","));
    if (in.position != end) {
      throw ColumnRefusals.unclear();
    }
  }

  /** ORDER BY, LIMIT, OFFSET, FETCH and FOR UPDATE behind a query. */
  void tail(QueryFrame frame, List<ResultColumn> result) throws ColumnUsageException {
    while (true) {
      if (in.isWord(in.position, "order") && in.isWord(in.position + 1, "by")) {
        in.position += 2;
        Range by = in.clause();
        ordinals.check(by, result);
        expressions.read(by, frame, result, Clause.SORTING);
      } else if (in.isWord(in.position, "limit")
          || in.isWord(in.position, "offset")
          || in.isWord(in.position, "fetch")) {
        in.position++;
        expressions.read(in.clause(), frame, List.of(), Clause.OTHER);
      } else if (in.isWord(in.position, "for")) {
        // FOR UPDATE OF t NOWAIT: names of relations alone.
        in.position++;
        in.skipClause();
      } else {
        return;
      }
    }
  }
}
