package dev.chaperone.policy.sql;

import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.sql.QueryFrame.Reference;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Says how a query or DML statement uses protected columns. It reads the shape of the statement
 * from its tokens: clauses, the items of each SELECT list, the sources of each FROM list. Inside of
 * an expression it does not read the grammar: any name that may mean a protected column there is a
 * use of it.
 *
 * <p>In a statement of a client a protected column may only be a result column by itself; any other
 * use, and any shape that is not known here, is refused. In the definition of a view every column
 * of the result is found that is made with a protected one ({@link #lineage}).
 */
final class ColumnUsageReader extends ClauseReader {

  private final Scope scope;
  private final ProtectedColumns columns;
  private final boolean lineage;
  private final Set<Integer> maskedParameters = new TreeSet<>();
  private boolean hidesLiterals;
  private boolean usesOrdinals;

  /** The order of the columns of a result may be another one than is known here. */
  private boolean hasUncertainOrder;

  private ColumnUsageReader(
      List<Token> tokens, Scope scope, ProtectedColumns columns, boolean lineage) {
    super(tokens);
    this.scope = scope;
    this.columns = columns;
    this.lineage = lineage;
  }

  /** What a statement of a client does. */
  static Masking usage(List<Token> tokens, Scope scope, Reading reading) {
    ColumnUsageReader reader =
        new ColumnUsageReader(tokens, scope, scope.protectedColumns(), false);
    try {
      List<ResultColumn> result = reader.statement(new QueryFrame(null));
      if (reader.position < reader.size) {
        throw unclear();
      }
      List<String> shown =
          result.stream()
              .filter(ResultColumn::isProtected)
              .map(column -> column.name() == null ? "?column?" : column.name())
              .toList();
      return new Masking.Projects(shown, reader.maskedParameters, reader.hidesLiterals);
    } catch (ColumnUsageException e) {
      return e.refused();
    } finally {
      if (reader.usesOrdinals) {
        reading.dependsOn(Dependency.LITERALS);
      }
    }
  }

  /**
   * The columns of a view's result, each with the strictest mask of what it is made with; null
   * where its definition is not understood.
   */
  static List<ResultColumn> lineage(List<Token> tokens, Scope scope, ProtectedColumns columns) {
    ColumnUsageReader reader = new ColumnUsageReader(tokens, scope, columns, true);
    try {
      List<ResultColumn> result = reader.query(new QueryFrame(null));
      return reader.position < reader.size ? null : result;
    } catch (ColumnUsageException e) {
      return null;
    }
  }

  // ---- statements

  private List<ResultColumn> statement(QueryFrame frame) throws ColumnUsageException {
    int start = position;
    if (isWord(position, "with")) {
      with(frame);
    }
    if (!isDml()) {
      position = start;
      return query(frame);
    }
    return dml(frame);
  }

  private boolean isDml() {
    return isWord(position, "insert")
        || isWord(position, "update")
        || isWord(position, "delete")
        || isWord(position, "merge");
  }

  private List<ResultColumn> dml(QueryFrame frame) throws ColumnUsageException {
    if (lineage) {
      throw unclear();
    }
    String verb = tokens.get(position).text();
    position++;
    return switch (verb) {
      case "insert" -> insert(frame);
      case "update" -> update(frame);
      case "delete" -> delete(frame);
      default ->
          throw new ColumnUsageException(
              "MERGE with tables that have masked columns is not available",
              "Use INSERT ... ON CONFLICT, UPDATE or DELETE.");
    };
  }

  /** The target of DML, with its alias, as a row source of the frame. */
  private RowSource target(QueryFrame frame, boolean aliasNeedsAs) throws ColumnUsageException {
    if (isWord(position, "only")) {
      position++;
    }
    boolean parenthesis = accept("(");
    List<String> name = chain();
    if (name.isEmpty()) {
      throw unclear();
    }
    if (parenthesis && !accept(")")) {
      throw unclear();
    }
    if (position < size && tokens.get(position).isOperator("*")) {
      position++;
    }
    String alias = null;
    if (isWord(position, "as")) {
      position++;
      alias = name();
    } else if (!aliasNeedsAs && isAlias(position) && !isWord(position, "set")) {
      alias = name();
    }
    RowSource source = relation(name, alias);
    frame.add(source);
    return source;
  }

  private List<ResultColumn> insert(QueryFrame frame) throws ColumnUsageException {
    expect("into");
    QueryFrame target = new QueryFrame(frame);
    RowSource table = target(target, true);
    List<String> names = null;
    if (isPunctuation(position, "(") && !isQueryHead(position + 1)) {
      names = columnList();
    }
    List<Boolean> secret = positions(table, names);
    if (isWord(position, "overriding")) {
      position += 3;
    }
    if (isWord(position, "default") && isWord(position + 1, "values")) {
      position += 2;
    } else {
      inserted(frame, secret);
    }
    if (isWord(position, "on") && isWord(position + 1, "conflict")) {
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
    int start = position;
    if (isWord(position, "values")) {
      position++;
      do {
        if (!isPunctuation(position, "(")) {
          throw unclear();
        }
        int end = closing(position);
        int index = 0;
        for (Range value : split(position + 1, end)) {
          expression(value, frame, List.of());
          if (index < secret.size() && secret.get(index)) {
            hide(value);
          }
          index++;
        }
        position = end + 1;
      } while (accept(","));
      tail(frame, List.of());
    } else {
      noneProtected(query(frame), "be copied by INSERT");
      if (secret.contains(true)) {
        hide(new Range(start, position));
      }
    }
  }

  private void conflict(QueryFrame target, RowSource table) throws ColumnUsageException {
    position += 2;
    int start = position;
    while (position < size && !(isWord(position, "do") && !label[position])) {
      position = isPunctuation(position, "(") ? closing(position) + 1 : position + 1;
    }
    if (isWord(start, "on")) {
      // ON CONSTRAINT name.
    } else {
      expression(new Range(start, position), target, List.of());
    }
    expect("do");
    if (isWord(position, "nothing")) {
      position++;
      return;
    }
    expect("update");
    expect("set");
    QueryFrame both = new QueryFrame(target);
    both.add(new RowSource("excluded", null, table.columns()));
    assignments(both, table, true);
    if (isWord(position, "where")) {
      position++;
      expression(clause(), both, List.of());
    }
  }

  private List<ResultColumn> update(QueryFrame frame) throws ColumnUsageException {
    QueryFrame target = new QueryFrame(frame);
    RowSource table = target(target, false);
    expect("set");
    int set = position;
    skipClause();
    int end = position;
    if (isWord(position, "from")) {
      position++;
      fromList(target);
    }
    int after = position;
    position = set;
    assignments(target, table, false);
    if (position != end) {
      throw unclear();
    }
    position = after;
    where(target);
    return returning(target);
  }

  private List<ResultColumn> delete(QueryFrame frame) throws ColumnUsageException {
    expect("from");
    QueryFrame target = new QueryFrame(frame);
    target(target, false);
    if (isWord(position, "using")) {
      position++;
      fromList(target);
    }
    where(target);
    return returning(target);
  }

  private void where(QueryFrame frame) throws ColumnUsageException {
    if (!isWord(position, "where")) {
      return;
    }
    position++;
    if (isWord(position, "current") && isWord(position + 1, "of")) {
      position += 3;
      return;
    }
    expression(clause(), frame, List.of());
  }

  /**
   * The list behind SET.
   *
   * @param upsert whether {@code EXCLUDED} stands for the row that was not inserted; a column may
   *     be set to its own value in it
   */
  private void assignments(QueryFrame frame, RowSource table, boolean upsert)
      throws ColumnUsageException {
    int start = position;
    skipClause();
    int end = position;
    for (Range assignment : split(start, end)) {
      assignment(assignment, frame, table, upsert);
    }
    position = end;
  }

  private void assignment(Range range, QueryFrame frame, RowSource table, boolean upsert)
      throws ColumnUsageException {
    position = range.start();
    List<String> names;
    if (isPunctuation(position, "(")) {
      names = columnList();
    } else {
      List<String> name = chain();
      if (name.isEmpty()) {
        throw unclear();
      }
      names = List.of(name.get(0));
      while (isPunctuation(position, "[")) {
        int end = closing(position);
        expression(new Range(position + 1, end), frame, List.of());
        position = end + 1;
      }
    }
    if (position >= range.end() || !tokens.get(position).isOperator("=")) {
      throw unclear();
    }
    Range value = new Range(position + 1, range.end());
    if (!(upsert && isOwnExcluded(value, names))) {
      expression(value, frame, List.of());
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
        && isWord(value.start(), "excluded")
        && isPunctuation(value.start() + 1, ".")
        && tokens.get(value.start() + 2).isName()
        && tokens.get(value.start() + 2).text().equals(names.get(0));
  }

  private List<ResultColumn> returning(QueryFrame frame) throws ColumnUsageException {
    if (!isWord(position, "returning")) {
      return List.of();
    }
    position++;
    List<ResultColumn> result = new ArrayList<>();
    Range list = clause();
    int after = position;
    for (Range item : split(list.start(), list.end())) {
      item(item, frame, result);
    }
    position = after;
    return result;
  }

  /** Literals and parameters in there go into protected columns. */
  private void hide(Range range) {
    for (int i = range.start(); i < range.end(); i++) {
      Token token = tokens.get(i);
      if (token.isLiteral()) {
        hidesLiterals = true;
      } else if (token.kind() == Kind.PARAMETER && token.text().length() < 7) {
        maskedParameters.add(Integer.parseInt(token.text().substring(1)));
      }
    }
  }

  // ---- queries

  /** A query up to the parenthesis that closes it, or the end; its result's columns. */
  private List<ResultColumn> query(QueryFrame outer) throws ColumnUsageException {
    QueryFrame frame = new QueryFrame(outer);
    if (isWord(position, "with")) {
      with(frame);
      if (isDml()) {
        return dml(frame);
      }
    }
    QueryFrame core = new QueryFrame(frame);
    List<ResultColumn> result = operand(core);
    boolean combined = false;
    while (isSetOperator(position)) {
      String operator = tokens.get(position).text().toUpperCase(Locale.ROOT);
      position++;
      if (isWord(position, "all") || isWord(position, "distinct")) {
        position++;
      }
      List<ResultColumn> other = operand(new QueryFrame(frame));
      result = combined(result, other, operator);
      combined = true;
    }
    tail(combined ? frame : core, result);
    return result;
  }

  private List<ResultColumn> combined(
      List<ResultColumn> one, List<ResultColumn> other, String operator)
      throws ColumnUsageException {
    if (!lineage) {
      noneProtected(one, "be an operand of " + operator);
      noneProtected(other, "be an operand of " + operator);
      return one;
    }
    if (one.size() != other.size()) {
      throw unclear();
    }
    List<ResultColumn> combined = new ArrayList<>();
    for (int i = 0; i < one.size(); i++) {
      combined.add(
          new ResultColumn(one.get(i).name(), strictest(one.get(i).mask(), other.get(i).mask())));
    }
    return combined;
  }

  private static Mask strictest(Mask one, Mask other) {
    return one == null || other == null ? (one == null ? other : one) : one.and(other);
  }

  private void with(QueryFrame frame) throws ColumnUsageException {
    position++;
    if (isWord(position, "recursive")
        && !isWord(position + 1, "as")
        && !isPunctuation(position + 1, "(")) {
      throw new ColumnUsageException(
          "a recursive query over tables that have masked columns is not available",
          "Write it without RECURSIVE, or leave those tables out of it.");
    }
    do {
      String name = name();
      List<String> names = isPunctuation(position, "(") ? columnList() : null;
      expect("as");
      if (isWord(position, "not")) {
        position++;
      }
      if (isWord(position, "materialized")) {
        position++;
      }
      if (!accept("(")) {
        throw unclear();
      }
      List<ResultColumn> result = isDml() ? dml(new QueryFrame(frame)) : query(frame);
      if (!accept(")")) {
        throw unclear();
      }
      frame.define(name, renamed(result, names, "a column list of WITH"));
    } while (accept(","));
  }

  private List<ResultColumn> renamed(List<ResultColumn> result, List<String> names, String what)
      throws ColumnUsageException {
    if (names == null) {
      return result;
    }
    if (!lineage) {
      noneProtected(result, "be renamed by " + what);
    }
    List<ResultColumn> renamed = new ArrayList<>();
    for (int i = 0; i < Math.max(result.size(), names.size()); i++) {
      String name = i < names.size() ? names.get(i) : result.get(i).name();
      renamed.add(new ResultColumn(name, i < result.size() ? result.get(i).mask() : null));
    }
    return renamed;
  }

  /** One operand of UNION and its like: SELECT, VALUES, TABLE, or a query in parentheses. */
  private List<ResultColumn> operand(QueryFrame frame) throws ColumnUsageException {
    if (accept("(")) {
      List<ResultColumn> result = query(frame);
      if (!accept(")")) {
        throw unclear();
      }
      return result;
    }
    if (isWord(position, "select")) {
      position++;
      return select(frame);
    }
    if (isWord(position, "table")) {
      position++;
      if (isWord(position, "only")) {
        position++;
      }
      RowSource source = namedSource(frame, chain(), null);
      frame.add(source);
      if (position < size && tokens.get(position).isOperator("*")) {
        position++;
      }
      return star(source);
    }
    if (isWord(position, "values")) {
      position++;
      return values(frame);
    }
    throw unclear();
  }

  private List<ResultColumn> values(QueryFrame frame) throws ColumnUsageException {
    List<ResultColumn> result = List.of();
    do {
      if (!isPunctuation(position, "(")) {
        throw unclear();
      }
      int end = closing(position);
      List<ResultColumn> row = new ArrayList<>();
      for (Range value : split(position + 1, end)) {
        Mask mask = expression(value, frame, List.of());
        row.add(new ResultColumn("column" + (row.size() + 1), mask));
      }
      result = result.isEmpty() ? row : combined(result, row, "VALUES");
      position = end + 1;
    } while (accept(","));
    return result;
  }

  private List<ResultColumn> select(QueryFrame frame) throws ColumnUsageException {
    boolean distinct = false;
    Range distinctOn = null;
    if (isWord(position, "all")) {
      position++;
    } else if (isWord(position, "distinct")) {
      position++;
      distinct = true;
      if (isWord(position, "on") && isPunctuation(position + 1, "(")) {
        int end = closing(position + 1);
        distinctOn = new Range(position + 2, end);
        position = end + 1;
      }
    }
    int list = position;
    skipClause();
    int listEnd = position;
    boolean into = false;
    if (isWord(position, "into")) {
      into = true;
      position++;
      skipClause();
    }
    if (isWord(position, "from")) {
      position++;
      fromList(frame);
    }
    List<ResultColumn> result = new ArrayList<>();
    if (listEnd > list) {
      int after = position;
      for (Range item : split(list, listEnd)) {
        item(item, frame, result);
      }
      position = after;
    }
    if (isWord(position, "into")) {
      throw unclear();
    }
    if (into) {
      noneProtected(result, "be copied by SELECT INTO");
    }
    if (distinct && !lineage) {
      noneProtected(result, "be returned by DISTINCT, which compares it");
    }
    if (distinctOn != null) {
      ordinals(distinctOn, result);
      expression(distinctOn, frame, result);
    }
    while (true) {
      if (isWord(position, "where") || isWord(position, "having")) {
        position++;
        expression(clause(), frame, List.of());
      } else if (isWord(position, "group") && isWord(position + 1, "by")) {
        position += 2;
        Range by = clause();
        ordinals(by, result);
        expression(by, frame, result);
      } else if (isWord(position, "window")) {
        position++;
        windows(clause(), frame);
      } else {
        return result;
      }
    }
  }

  /** {@code w AS (PARTITION BY ...), x AS (...)}. */
  private void windows(Range range, QueryFrame frame) throws ColumnUsageException {
    int end = range.end();
    position = range.start();
    do {
      name();
      expect("as");
      if (!isPunctuation(position, "(")) {
        throw unclear();
      }
      int close = closing(position);
      expression(new Range(position + 1, close), frame, List.of());
      position = close + 1;
    } while (accept(","));
    if (position != end) {
      throw unclear();
    }
  }

  /** ORDER BY, LIMIT, OFFSET, FETCH and FOR UPDATE behind a query. */
  private void tail(QueryFrame frame, List<ResultColumn> result) throws ColumnUsageException {
    while (true) {
      if (isWord(position, "order") && isWord(position + 1, "by")) {
        position += 2;
        Range by = clause();
        ordinals(by, result);
        expression(by, frame, result);
      } else if (isWord(position, "limit")
          || isWord(position, "offset")
          || isWord(position, "fetch")) {
        position++;
        expression(clause(), frame, List.of());
      } else if (isWord(position, "for")) {
        // FOR UPDATE OF t NOWAIT: names of relations alone.
        position++;
        skipClause();
      } else {
        return;
      }
    }
  }

  /** {@code ORDER BY 2}: a number by itself is a column of the result. */
  private void ordinals(Range range, List<ResultColumn> result) throws ColumnUsageException {
    if (lineage || result.stream().noneMatch(ResultColumn::isProtected)) {
      return;
    }
    for (Range item : split(range.start(), range.end())) {
      if (item.start() >= item.end() || tokens.get(item.start()).kind() != Kind.NUMBER) {
        continue;
      }
      usesOrdinals = true;
      int index = index(tokens.get(item.start()).text());
      // Behind USING or a star the order is not surely the one that is known here.
      if (index < 1
          || index > result.size()
          || result.get(index - 1).isProtected()
          || hasUncertainOrder) {
        throw new ColumnUsageException(
            "a masked column may not be sorted or grouped by, and a position may be one",
            "Name the column to sort or group by.");
      }
    }
  }

  private static int index(String number) {
    try {
      return Integer.parseInt(number);
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  // ---- result columns

  /** One item of a SELECT or RETURNING list. */
  private void item(Range range, QueryFrame frame, List<ResultColumn> result)
      throws ColumnUsageException {
    int start = range.start();
    int end = range.end();
    if (start >= end) {
      throw unclear();
    }
    if (end - start == 1 && tokens.get(start).isOperator("*")) {
      hasUncertainOrder = true;
      if (frame.sources().isEmpty()) {
        throw unclear();
      }
      for (RowSource source : frame.sources()) {
        result.addAll(star(source));
      }
      return;
    }
    position = start;
    List<String> chain = isNameHere(start) ? chain() : List.of();
    if (!chain.isEmpty()
        && position == end - 2
        && isPunctuation(position, ".")
        && tokens.get(end - 1).isOperator("*")) {
      RowSource source =
          chain.size() == 1 ? frame.source(chain.get(0)) : frame.relation(String.join(".", chain));
      if (source == null) {
        throw unknown(String.join(".", chain));
      }
      hasUncertainOrder |= source.columns() == null;
      result.addAll(star(source));
      return;
    }
    boolean bare =
        !chain.isEmpty()
            && (position == end
                || (position == end - 2 && isWord(position, "as") && tokens.get(end - 1).isName())
                || (position == end - 1 && tokens.get(position).isName()));
    String alias = alias(range, frame, bare);
    if (bare) {
      Reference reference = frame.resolve(chain);
      if (reference.meaning() == QueryFrame.Meaning.PROTECTED
          || reference.meaning() == QueryFrame.Meaning.PLAIN) {
        String name = alias == null ? chain.get(chain.size() - 1) : alias;
        result.add(new ResultColumn(name, reference.mask()));
        return;
      }
    }
    int bodyEnd = alias == null ? end : isWord(end - 2, "as") && label[end - 1] ? end - 2 : end - 1;
    Mask mask = expression(new Range(start, bodyEnd), frame, List.of());
    result.add(new ResultColumn(alias, mask));
  }

  /** The name that an item gives its column, or null. */
  private String alias(Range range, QueryFrame frame, boolean bare) throws ColumnUsageException {
    int last = range.end() - 1;
    if (last <= range.start() || !tokens.get(last).isName()) {
      return null;
    }
    String name = tokens.get(last).text();
    if (label[last]) {
      return isWord(last - 1, "as") ? name : null;
    }
    if (!bare && !endsExpression(last - 1)) {
      return null;
    }
    if (bare && position == range.end()) {
      return null;
    }
    if (isSyntax(tokens.get(last)) && !bare) {
      return null;
    }
    if (frame.protectsColumn(name)) {
      // The server would read it so too; but nobody is to find out otherwise.
      throw new ColumnUsageException(
          "a column is renamed to the name of a masked one, " + name,
          "Write AS before a new name.");
    }
    return name;
  }

  /** Whether an expression may end with this token, so that a name behind it is an alias. */
  private boolean endsExpression(int index) {
    Token token = tokens.get(index);
    return switch (token.kind()) {
      case STRING, NUMBER, BITS, HEX, PARAMETER -> true;
      case PUNCTUATION ->
          token.text().equals("]") || (token.text().equals(")") && !closesOperator(index));
      case WORD, QUOTED ->
          label[index]
              || token.kind() == Kind.QUOTED
              || !isSyntax(token)
              || Set.of("end", "null", "true", "false").contains(token.text());
      default -> false;
    };
  }

  private boolean closesOperator(int close) {
    int depth = 0;
    for (int i = close; i >= 0; i--) {
      if (isPunctuation(i, ")")) {
        depth++;
      } else if (isPunctuation(i, "(") && --depth == 0) {
        return isWord(i - 1, "operator");
      }
    }
    return true;
  }

  private static List<ResultColumn> star(RowSource source) {
    return source.columns() == null ? List.of(new ResultColumn(null, null)) : source.columns();
  }

  private void noneProtected(List<ResultColumn> result, String use) throws ColumnUsageException {
    for (ResultColumn column : result) {
      if (column.isProtected()) {
        throw new ColumnUsageException(
            "the masked column "
                + (column.name() == null ? "of the query" : column.name())
                + " may not "
                + use,
            "Leave the masked columns out of the query.");
      }
    }
  }

  // ---- FROM

  private void fromList(QueryFrame frame) throws ColumnUsageException {
    List<Range> conditions = new ArrayList<>();
    do {
      fromItem(frame, conditions);
    } while (accept(","));
    for (Range condition : conditions) {
      expression(condition, frame, List.of());
    }
  }

  /** An item and what is joined to it. */
  private void fromItem(QueryFrame frame, List<Range> conditions) throws ColumnUsageException {
    source(frame, conditions);
    while (true) {
      int start = position;
      boolean natural = false;
      if (isWord(position, "natural")) {
        natural = true;
        position++;
      }
      while (isWord(position, "inner")
          || isWord(position, "cross")
          || isWord(position, "left")
          || isWord(position, "right")
          || isWord(position, "full")
          || isWord(position, "outer")) {
        position++;
      }
      if (!isWord(position, "join")) {
        if (position != start) {
          throw unclear();
        }
        return;
      }
      position++;
      // The right side may itself be joined, before its ON: a JOIN b JOIN c ON x ON y.
      source(frame, conditions);
      if (natural) {
        if (!lineage && frame.isProtected()) {
          throw new ColumnUsageException(
              "NATURAL JOIN with tables that have masked columns may compare them",
              "Name the columns to join by, with ON or USING.");
        }
        hasUncertainOrder = true;
      }
      joinCondition(frame, conditions);
    }
  }

  private void joinCondition(QueryFrame frame, List<Range> conditions) throws ColumnUsageException {
    if (isWord(position, "on")) {
      position++;
      conditions.add(clause());
    } else if (isWord(position, "using")) {
      position++;
      hasUncertainOrder = true;
      for (String name : columnList()) {
        if (!lineage && frame.protectsColumn(name)) {
          throw used(name, "be joined by");
        }
      }
      if (isWord(position, "as")) {
        position++;
        frame.add(RowSource.opaque(name()));
      }
    }
  }

  private void source(QueryFrame frame, List<Range> conditions) throws ColumnUsageException {
    if (isWord(position, "lateral")) {
      position++;
    }
    if (isPunctuation(position, "(")) {
      if (isQueryInParentheses()) {
        derived(frame);
      } else {
        joined(frame, conditions);
      }
      return;
    }
    if (isWord(position, "rows") && isWord(position + 1, "from")) {
      position += 2;
      functionSource(frame, null, conditions);
      return;
    }
    if (isWord(position, "only")) {
      position++;
      boolean parenthesis = accept("(");
      List<String> name = chain();
      if (name.isEmpty() || (parenthesis && !accept(")"))) {
        throw unclear();
      }
      frame.add(aliased(frame, name));
      return;
    }
    if (!isNameHere(position) && !isValueFunction()) {
      throw unclear();
    }
    List<String> name = chain();
    if (isPunctuation(position, "(")) {
      functionSource(frame, name.get(name.size() - 1), conditions);
      return;
    }
    frame.add(aliased(frame, name));
    if (isWord(position, "tablesample")) {
      position++;
      chain();
      arguments(conditions);
      if (isWord(position, "repeatable")) {
        position++;
        arguments(conditions);
      }
    }
  }

  private boolean isValueFunction() {
    return position < size
        && tokens.get(position).kind() == Kind.WORD
        && Keywords.isValueFunction(
            tokens.get(position).text(), scope.catalog().serverVersionNum());
  }

  private void arguments(List<Range> conditions) throws ColumnUsageException {
    if (!isPunctuation(position, "(")) {
      throw unclear();
    }
    int end = closing(position);
    conditions.add(new Range(position + 1, end));
    position = end + 1;
  }

  /** A function in FROM: what it returns is not known, its arguments are expressions. */
  private void functionSource(QueryFrame frame, String name, List<Range> conditions)
      throws ColumnUsageException {
    arguments(conditions);
    if (isWord(position, "with") && isWord(position + 1, "ordinality")) {
      position += 2;
    }
    String alias = name;
    boolean named = isWord(position, "as");
    if (named) {
      position++;
    }
    if (named && isPunctuation(position, "(")) {
      position = closing(position) + 1;
    } else if (named || isAlias(position)) {
      alias = name();
      if (isPunctuation(position, "(")) {
        position = closing(position) + 1;
      }
    }
    frame.add(RowSource.opaque(alias));
  }

  /** {@code (SELECT ...) AS s}. */
  private void derived(QueryFrame frame) throws ColumnUsageException {
    position++;
    List<ResultColumn> result = query(frame);
    if (!accept(")")) {
      throw unclear();
    }
    String alias = null;
    List<String> names = null;
    if (isWord(position, "as") || isAlias(position)) {
      position += isWord(position, "as") ? 1 : 0;
      alias = name();
      names = isPunctuation(position, "(") ? columnList() : null;
    }
    frame.add(new RowSource(alias, null, renamed(result, names, "an alias with columns")));
  }

  /** {@code (a JOIN b ON ...)}. */
  private void joined(QueryFrame frame, List<Range> conditions) throws ColumnUsageException {
    position++;
    QueryFrame inside = new QueryFrame(frame);
    fromItem(inside, conditions);
    if (!accept(")")) {
      throw unclear();
    }
    if (isWord(position, "as") || isAlias(position)) {
      if (inside.sources().stream().anyMatch(RowSource::isProtected)) {
        throw new ColumnUsageException(
            "an alias of a join of tables that have masked columns is not available",
            "Give each table its own alias.");
      }
      position += isWord(position, "as") ? 1 : 0;
      String alias = name();
      if (isPunctuation(position, "(")) {
        position = closing(position) + 1;
      }
      frame.add(RowSource.opaque(alias));
    }
    // Conditions inside may name what is inside.
    inside.sources().forEach(frame::add);
  }

  /** Whether the parenthesis here holds a query and no join. */
  private boolean isQueryInParentheses() {
    int i = position;
    while (isPunctuation(i, "(")) {
      i++;
    }
    if (!isQueryHead(i)) {
      return false;
    }
    if (i == position + 1) {
      return true;
    }
    int after = closing(i - 1) + 1;
    return isPunctuation(after, ")") || isSetOperator(after) || isTailWord(after);
  }

  private RowSource aliased(QueryFrame frame, List<String> name) throws ColumnUsageException {
    if (position < size && tokens.get(position).isOperator("*")) {
      position++;
    }
    String alias = null;
    List<String> names = null;
    if (isWord(position, "as") || isAlias(position)) {
      position += isWord(position, "as") ? 1 : 0;
      alias = name();
      names = isPunctuation(position, "(") ? columnList() : null;
    }
    RowSource source = namedSource(frame, name, alias);
    return names == null || source.columns() == null
        ? source
        : new RowSource(
            source.alias(), null, renamed(source.columns(), names, "an alias with columns"));
  }

  /** A query of WITH, or a relation. */
  private RowSource namedSource(QueryFrame frame, List<String> name, String alias)
      throws ColumnUsageException {
    if (name.isEmpty()) {
      throw unclear();
    }
    List<ResultColumn> query = name.size() == 1 ? frame.queryName(name.get(0)) : null;
    if (query != null) {
      return new RowSource(alias == null ? name.get(0) : alias, null, query);
    }
    return relation(name, alias);
  }

  private RowSource relation(List<String> chain, String alias) throws ColumnUsageException {
    String name = chain.get(chain.size() - 1);
    String schema = chain.size() > 1 ? chain.get(chain.size() - 2) : null;
    Set<Scope.Meaning> meanings = scope.relation(schema, name);
    Scope.Meaning meaning = meanings.iterator().next();
    if (meanings.size() > 1) {
      for (Scope.Meaning each : meanings) {
        if (columns.concerns(each.resource())) {
          throw new ColumnUsageException(
              name + " may be one of several relations, and one of them has masked columns",
              "Write the name with its schema.");
        }
      }
      return RowSource.opaque(alias == null ? name : alias);
    }
    Optional<String> denied = columns.denied(meaning.resource());
    if (denied.isPresent()) {
      throw new ColumnUsageException(
          denied.get(), "Those who manage the policy must correct its masking.");
    }
    Relation relation = meaning.relation();
    if (relation == null || scope.catalog().columns(relation).isEmpty()) {
      return RowSource.opaque(alias == null ? name : alias);
    }
    List<ResultColumn> all = new ArrayList<>();
    for (Catalog.Column column : scope.catalog().columns(relation)) {
      all.add(new ResultColumn(column.name(), columns.mask(relation.oid(), column.number())));
    }
    return new RowSource(
        alias == null ? name : alias, alias == null ? relation.resource() : null, all);
  }

  // ---- expressions

  /**
   * Looks at every name in an expression.
   *
   * @param result the result columns that names may mean too, in ORDER BY and GROUP BY
   * @return in a view's definition, the strictest mask of what it is made with, or null
   */
  private Mask expression(Range range, QueryFrame frame, List<ResultColumn> result)
      throws ColumnUsageException {
    int before = position;
    Mask mask = null;
    int i = range.start();
    while (i < range.end()) {
      Token token = tokens.get(i);
      if (token.isPunctuation("(") && isQueryHead(i + 1)) {
        boolean exists = isWord(i - 1, "exists");
        position = i + 1;
        List<ResultColumn> inner = query(frame);
        if (!isPunctuation(position, ")")) {
          throw unclear();
        }
        i = position + 1;
        if (lineage) {
          for (ResultColumn column : inner) {
            mask = strictest(mask, column.mask());
          }
        } else if (!exists) {
          noneProtected(inner, "be returned by a query inside of an expression");
        }
        continue;
      }
      if (!isNameHere(i)) {
        i++;
        continue;
      }
      position = i;
      List<String> chain = chain();
      int after = position;
      boolean star =
          isPunctuation(after, ".") && after + 1 < size && tokens.get(after + 1).isOperator("*");
      Reference reference =
          star
              ? wholeRow(frame, chain)
              : isValue(i, after) ? value(frame, chain, result, i) : Reference.PLAIN;
      if (reference.mask() != null) {
        if (!lineage) {
          throw used(
              String.join(".", chain), "be used in an expression, a condition or for sorting");
        }
        mask = strictest(mask, reference.mask());
      }
      i = after;
    }
    position = before;
    return mask;
  }

  private Reference wholeRow(QueryFrame frame, List<String> chain) throws ColumnUsageException {
    RowSource source =
        chain.size() == 1 ? frame.source(chain.get(0)) : frame.relation(String.join(".", chain));
    if (source == null) {
      throw unknown(String.join(".", chain));
    }
    Mask mask = source.mask();
    return mask == null ? Reference.PLAIN : new Reference(QueryFrame.Meaning.WHOLE_ROW, mask);
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
            return new Reference(QueryFrame.Meaning.PROTECTED, column.mask());
          }
        }
      }
    }
    Reference reference = frame.resolve(chain);
    if (reference.meaning() == QueryFrame.Meaning.UNKNOWN
        && !named
        && !(chain.size() == 1 && isSyntax(tokens.get(start)))
        && (lineage || frame.isProtected())) {
      throw unknown(String.join(".", chain));
    }
    return reference;
  }

  /** Whether a name stands for a value: it is no type, no function, no name of something else. */
  private boolean isValue(int start, int after) {
    if (isPunctuation(after, "(")) {
      // A call; what it is called with follows.
      return false;
    }
    Token before = start > 0 ? tokens.get(start - 1) : null;
    if (before != null
        && (before.isPunctuation("::")
            || isKeywordBefore(start, "collate")
            || isKeywordBefore(start, "over"))) {
      return false;
    }
    return after >= size || tokens.get(after).kind() != Kind.STRING;
  }

  private boolean isKeywordBefore(int index, String word) {
    return isWord(index - 1, word) && !label[index - 1];
  }

  /** Whether a name, and no key word, stands here that is not a label. */
  private boolean isNameHere(int index) {
    if (index >= size || label[index]) {
      return false;
    }
    Token token = tokens.get(index);
    return token.kind() == Kind.QUOTED
        || (token.kind() == Kind.WORD && !Keywords.isReserved(token.text()));
  }

  private static boolean isSyntax(Token token) {
    return token.kind() == Kind.WORD
        && (Keywords.isReserved(token.text())
            || Keywords.isSyntax(token.text())
            || Keywords.isInExpressions(token.text()));
  }

  // ---- refusals

  private static ColumnUsageException used(String name, String use) {
    return new ColumnUsageException("the masked column " + name + " may not " + use, AS_IT_IS);
  }

  private static ColumnUsageException unknown(String name) {
    return new ColumnUsageException(
        "it is not known what " + name + " means, beside tables that have masked columns",
        "If it is a new column, try again in a moment; else write the name with its table's.");
  }
}
