package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.ClauseCursor.Range;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Reads INSERT, UPDATE and DELETE: what goes into protected columns, and what is returned. */
final class ColumnWriteReader {
  private final ClauseCursor in;
  private final boolean lineage;
  private final RowSources sources;
  private final ColumnExpressionReader expressions;
  private final ColumnItemReader items;
  private final ColumnSourceReader from;
  private final ColumnQueryReader queries;
  private Set<Integer> maskedParameters = Set.of();
  private boolean hidesLiterals;

  ColumnWriteReader(
      ClauseCursor in,
      boolean lineage,
      RowSources sources,
      ColumnExpressionReader expressions,
      ColumnItemReader items,
      ColumnSourceReader from,
      ColumnQueryReader queries) {
    this.in = in;
    this.lineage = lineage;
    this.sources = sources;
    this.expressions = expressions;
    this.items = items;
    this.from = from;
    this.queries = queries;
  }

  /** The numbers of the parameters that go into protected columns. */
  Set<Integer> maskedParameters() {
    return maskedParameters;
  }

  /** Whether literals go into protected columns. */
  boolean hidesLiterals() {
    return hidesLiterals;
  }

  /** DML behind its WITH; the columns it returns. */
  List<ResultColumn> read(QueryFrame frame) throws ColumnUsageException {
    if (lineage) {
      throw ColumnRefusals.unclear();
    }
    String verb = in.tokens.get(in.position).text();
    in.position++;
    return switch (verb) {
      case "insert" -> insert(frame);
      case "update" -> update(frame);
      case "delete" -> delete(frame);
      default -> throw ColumnRefusals.merge();
    };
  }

  /** The target of DML, with its alias, as a row source of the frame. */
  private RowSource target(QueryFrame frame, boolean aliasNeedsAs) throws ColumnUsageException {
    if (in.isWord(in.position, "only")) {
      in.position++;
    }
    boolean parenthesis = in.accept("(");
    List<String> name = in.chain();
    if (name.isEmpty()) {
      throw ColumnRefusals.unclear();
    }
    if (parenthesis && !in.accept(")")) {
      throw ColumnRefusals.unclear();
    }
    if (in.position < in.size && in.tokens.get(in.position).isOperator("*")) {
      in.position++;
    }
    String alias = null;
    if (in.isWord(in.position, "as")) {
      in.position++;
      alias = in.name();
    } else if (!aliasNeedsAs && in.isAlias(in.position) && !in.isWord(in.position, "set")) {
      alias = in.name();
    }
    RowSource source = sources.relation(name, alias);
    frame.add(source);
    return source;
  }

  private List<ResultColumn> insert(QueryFrame frame) throws ColumnUsageException {
    in.expect("into");
    QueryFrame target = new QueryFrame(frame);
    RowSource table = target(target, true);
    List<String> names = null;
    if (in.isPunctuation(in.position, "(") && !in.isQueryHead(in.position + 1)) {
      names = in.columnList();
    }
    List<Boolean> secret = positions(table, names);
    if (in.isWord(in.position, "overriding")) {
      in.position += 3;
    }
    if (in.isWord(in.position, "default") && in.isWord(in.position + 1, "values")) {
      in.position += 2;
    } else {
      inserted(frame, secret);
    }
    if (in.isWord(in.position, "on") && in.isWord(in.position + 1, "conflict")) {
      conflict(target, table);
    }
    return returning(target);
  }

  /** Which of the columns that are inserted are protected, in their order. */
  private static List<Boolean> positions(RowSource table, List<String> names) {
    List<Boolean> secret = new ArrayList<>();
    if (names == null) {
      for (ResultColumn column :
          table.columns() == null ? List.<ResultColumn>of() : table.columns()) {
        secret.add(column.isProtected());
      }
    } else {
      for (String name : names) {
        ResultColumn column = table.column(name);
        secret.add(column != null && column.isProtected());
      }
    }
    return secret;
  }

  private void inserted(QueryFrame frame, List<Boolean> secret) throws ColumnUsageException {
    int start = in.position;
    if (in.isWord(in.position, "values")) {
      in.position++;
      do {
        if (!in.isPunctuation(in.position, "(")) {
          throw ColumnRefusals.unclear();
        }
        int end = in.closing(in.position);
        int index = 0;
        for (Range value : in.split(in.position + 1, end)) {
          expressions.read(value, frame, List.of(), Clause.OTHER);
          if (index < secret.size() && secret.get(index)) {
            hide(value);
          }
          index++;
        }
        in.position = end + 1;
      } while (in.accept(","));
      queries.tail(frame, List.of());
    } else {
      ResultColumns.noneProtected(queries.query(frame), "be copied by INSERT");
      if (secret.contains(true)) {
        hide(new Range(start, in.position));
      }
    }
  }

  private void conflict(QueryFrame target, RowSource table) throws ColumnUsageException {
    in.position += 2;
    int start = in.position;
    while (in.position < in.size && !(in.isWord(in.position, "do") && !in.label[in.position])) {
      in.position =
          in.isPunctuation(in.position, "(") ? in.closing(in.position) + 1 : in.position + 1;
    }
    if (in.isWord(start, "on")) {
      // ON CONSTRAINT name.
    } else {
      expressions.read(new Range(start, in.position), target, List.of(), Clause.OTHER);
    }
    in.expect("do");
    if (in.isWord(in.position, "nothing")) {
      in.position++;
      return;
    }
    in.expect("update");
    in.expect("set");
    QueryFrame both = new QueryFrame(target);
    both.add(new RowSource("excluded", null, table.columns()));
    assignments(both, table, true);
    if (in.isWord(in.position, "where")) {
      in.position++;
      expressions.read(in.clause(), both, List.of(), Clause.OTHER);
    }
  }

  private List<ResultColumn> update(QueryFrame frame) throws ColumnUsageException {
    QueryFrame target = new QueryFrame(frame);
    RowSource table = target(target, false);
    in.expect("set");
    int set = in.position;
    in.skipClause();
    int end = in.position;
    if (in.isWord(in.position, "from")) {
      in.position++;
      from.read(target);
    }
    int after = in.position;
    in.position = set;
    assignments(target, table, false);
    if (in.position != end) {
      throw ColumnRefusals.unclear();
    }
    in.position = after;
    where(target);
    return returning(target);
  }

  private List<ResultColumn> delete(QueryFrame frame) throws ColumnUsageException {
    in.expect("from");
    QueryFrame target = new QueryFrame(frame);
    target(target, false);
    if (in.isWord(in.position, "using")) {
      in.position++;
      from.read(target);
    }
    where(target);
    return returning(target);
  }

  private void where(QueryFrame frame) throws ColumnUsageException {
    if (!in.isWord(in.position, "where")) {
      return;
    }
    in.position++;
    if (in.isWord(in.position, "current") && in.isWord(in.position + 1, "of")) {
      in.position += 3;
      return;
    }
    expressions.read(in.clause(), frame, List.of(), Clause.OTHER);
  }

  /**
   * The list behind SET.
   *
   * @param upsert whether {@code EXCLUDED} stands for the row that was not inserted; a column may
   *     be set to its own value in it
   */
  private void assignments(QueryFrame frame, RowSource table, boolean upsert)
      throws ColumnUsageException {
    int start = in.position;
    in.skipClause();
    int end = in.position;
    for (Range assignment : in.split(start, end)) {
      assignment(assignment, frame, table, upsert);
    }
    in.position = end;
  }

  private void assignment(Range range, QueryFrame frame, RowSource table, boolean upsert)
      throws ColumnUsageException {
    in.position = range.start();
    List<String> names;
    if (in.isPunctuation(in.position, "(")) {
      names = in.columnList();
    } else {
      List<String> name = in.chain();
      if (name.isEmpty()) {
        throw ColumnRefusals.unclear();
      }
      names = List.of(name.get(0));
      while (in.isPunctuation(in.position, "[")) {
        int end = in.closing(in.position);
        expressions.read(new Range(in.position + 1, end), frame, List.of(), Clause.OTHER);
        in.position = end + 1;
      }
    }
    if (in.position >= range.end() || !in.tokens.get(in.position).isOperator("=")) {
      throw ColumnRefusals.unclear();
    }
    Range value = new Range(in.position + 1, range.end());
    if (!(upsert && isOwnExcluded(value, names))) {
      expressions.read(value, frame, List.of(), Clause.OTHER);
    }
    for (String name : names) {
      ResultColumn column = table.column(name);
      if (column != null && column.isProtected()) {
        hide(value);
      }
    }
  }

  /** {@code SET c = EXCLUDED.c}: the client's own value. */
  private boolean isOwnExcluded(Range value, List<String> names) {
    return value.end() - value.start() == 3
        && names.size() == 1
        && in.isWord(value.start(), "excluded")
        && in.isPunctuation(value.start() + 1, ".")
        && in.tokens.get(value.start() + 2).isName()
        && in.tokens.get(value.start() + 2).text().equals(names.get(0));
  }

  private List<ResultColumn> returning(QueryFrame frame) throws ColumnUsageException {
    if (!in.isWord(in.position, "returning")) {
      return List.of();
    }
    in.position++;
    List<ResultColumn> result = new ArrayList<>();
    Range list = in.clause();
    int after = in.position;
    for (Range item : in.split(list.start(), list.end())) {
      items.read(item, frame, result);
    }
    in.position = after;
    return result;
  }

  /** Literals and parameters in there go into protected columns, or are compared with them. */
  void hide(Range range) {
    for (int i = range.start(); i < range.end(); i++) {
      Token token = in.tokens.get(i);
      if (token.isLiteral()) {
        hidesLiterals = true;
      } else if (token.kind() == Kind.PARAMETER && token.text().length() < 7) {
        if (maskedParameters.isEmpty()) {
          maskedParameters = new TreeSet<>();
        }
        maskedParameters.add(Integer.parseInt(token.text().substring(1)));
      }
    }
  }
}
