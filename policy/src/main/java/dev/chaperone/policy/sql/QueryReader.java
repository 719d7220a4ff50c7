package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.QueryLevel.Clause;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.List;
import java.util.Locale;

/**
 * Reads SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE and MERGE, and expressions of any statement,
 * from their tokens in one pass.
 *
 * <p>It does not check the grammar: the server does that, and what the server rejects does nothing.
 * It finds every place where the grammar (src/backend/parser/gram.y) lets a statement touch a
 * relation or run code, and where a place may be either of two things it takes it for both:
 *
 * <ul>
 *   <li>relations: where a FROM item may start, and the targets of DML; a query name in WITH hides
 *       a relation only where it is in scope
 *   <li>functions: a name before a parenthesis, and a name after a dot that may be a function
 *       called as an attribute
 *   <li>operators, casts and domains that run functions of users
 * </ul>
 *
 * <p>This class finds the places. What is done there {@link RelationUses}, {@link FunctionUses} and
 * {@link TypeUses} say; {@link TargetReader} reads the heads of writes, {@link QueryLevel} knows
 * where in a parenthesis the reader is.
 */
final class QueryReader {

  private final QueryCursor in;
  private final Catalog catalog;
  private final Reading reading;
  private final RelationUses relations;
  private final TypeUses types;
  private final FunctionUses functions;
  private final TargetReader targets;
  private final boolean isStatement;

  private QueryLevel level;
  private boolean sawUpdateOrDelete;
  private boolean changesWithoutWhere;
  private boolean outermostWhere;

  /** A FROM item is the value of a function or the like. */
  private boolean hasValueItem;

  /**
   * @param isStatement false for a bare expression
   */
  QueryReader(List<Token> tokens, Scope scope, Reading reading, boolean isStatement) {
    this.in = new QueryCursor(tokens);
    this.catalog = scope.catalog();
    this.reading = reading;
    this.relations = new RelationUses(scope, reading);
    this.types = new TypeUses(in, catalog, reading);
    this.functions = new FunctionUses(in, scope, reading, relations, types);
    this.targets = new TargetReader(in, scope, reading, relations);
    this.isStatement = isStatement;
  }

  /** Names the accesses to relations that are read otherwise than SELECT, as in EXPLAIN or COPY. */
  QueryReader as(String readCommand) {
    relations.readAs(readCommand);
    return this;
  }

  void read() {
    level = new QueryLevel(null, 0);
    level.isQuery = isStatement;
    while (in.position < in.size) {
      step();
    }
    while (level.outer != null) {
      close();
    }
    finishLevel();
    finish();
  }

  private void step() {
    Token token = in.tokens.get(in.position);
    switch (token.kind()) {
      case PUNCTUATION -> punctuation(token);
      case OPERATOR -> {
        functions.operator(null, token.text());
        // "FROM t *": behind the name itself, and nowhere else.
        level.alias =
            level.alias && token.isOperator("*") && in.tokens.get(in.position - 1).isName();
        level.item = false;
        in.position++;
      }
      case WORD -> {
        if (in.label[in.position] || !keyword(token.text())) {
          name();
        }
      }
      case QUOTED -> name();
      case PARAMETER -> {
        parameter(token.text());
        level.item = false;
        in.position++;
      }
      default -> {
        level.item = false;
        in.position++;
      }
    }
  }

  private void parameter(String text) {
    try {
      reading.parameter(Integer.parseInt(text.substring(1)));
    } catch (NumberFormatException e) {
      // More than 2^31: the server rejects it.
      reading.parameter(Integer.MAX_VALUE);
    }
  }

  private void punctuation(Token token) {
    level.alias &= token.text().equals("(");
    switch (token.text()) {
      case "(" -> open(true);
      case "[" -> open(false);
      case ")", "]" -> close();
      case "," -> {
        if (level.clause == Clause.FROM) {
          level.item = true;
        } else if (level.clause == Clause.WITH) {
          level.queryName = true;
        }
      }
      default -> {}
    }
    in.position++;
  }

  private void open(boolean mayHoldStatement) {
    Token before = in.position > 0 ? in.tokens.get(in.position - 1) : null;
    if (before != null && before.isWord("array")) {
      types.buildContainer();
    }
    level = level.open(before, in.position + 1, mayHoldStatement);
  }

  private void close() {
    finishLevel();
    level = level.close();
  }

  private void finishLevel() {
    if (level.dml != null && (level.dml.equals("update") || level.dml.equals("delete"))) {
      sawUpdateOrDelete = true;
      changesWithoutWhere |= !level.where;
    }
    if (level.outer == null || (level.outer.outer == null && level.start == 1)) {
      outermostWhere |= level.where;
    }
  }

  /** Handles a key word that is not a label; false if it is a name here. */
  private boolean keyword(String word) {
    boolean alias = level.alias;
    if ((alias || (level.clause == Clause.WITH && level.queryName)) && Keywords.mayBeAlias(word)) {
      return false;
    }
    int start = in.position;
    // Between a FROM item and its alias stand only AS and WITH ORDINALITY.
    level.alias = alias && (word.equals("as") || in.isWord(in.position + 1, "ordinality"));
    if (!isKeyword(word)) {
      level.alias = alias;
      return false;
    }
    if (in.isPunctuation(start + 1, "(") && !Keywords.isReserved(word)) {
      // LIKE (...) may be the operator or a call of a function of that name.
      functions.namesakes(word);
    }
    return true;
  }

  private boolean isKeyword(String word) {
    switch (word) {
      case "select" -> startQuery(Clause.SELECT);
      case "values" -> {
        if (level.item && in.position != level.start) {
          return false;
        }
        if (!in.isWord(in.position + 1, ".") && in.isPunctuation(in.position + 1, "(")) {
          startQuery(Clause.REST);
        } else {
          return false;
        }
      }
      case "table" -> readTable();
      case "with" -> {
        if (in.position == level.start || level.isInsertTarget()) {
          startWith();
        } else {
          in.position++;
        }
      }
      case "insert" -> {
        return targets.startDml(level, "insert", "into");
      }
      case "merge" -> {
        return targets.startDml(level, "merge", "into");
      }
      case "delete" -> {
        return targets.startDml(level, "delete", "from");
      }
      case "update" -> {
        return targets.startDml(level, "update", null);
      }
      case "from" -> from();
      case "using" -> using();
      case "join" -> {
        level.item = level.clause == Clause.FROM;
        in.position++;
      }
      case "where",
          "having",
          "window",
          "limit",
          "offset",
          "fetch",
          "union",
          "intersect",
          "except" ->
          clause(word);
      case "returning" -> {
        if (level.dml != null) {
          level.endInsertQuery();
          returning();
        }
        clause(word);
      }
      case "group", "order" -> {
        if (in.isWord(in.position + 1, "by")) {
          clause(word);
        } else {
          in.position++;
        }
      }
      case "for" -> forLocking();
      case "into" -> targets.into();
      case "set" -> {
        if (level.clause == Clause.TARGET && "update".equals(level.dml)) {
          level.clause = Clause.SET;
          in.position++;
        } else {
          return false;
        }
      }
      case "operator" -> {
        return functions.explicitOperator();
      }
      case "on" -> {
        if (in.isWord(in.position + 1, "conflict")) {
          level.endInsertQuery();
        }
        level.item = false;
        in.position++;
      }
      case "in" -> {
        functions.operator(null, "=");
        // NOT IN is an operator of its own.
        functions.operator(null, "<>");
        in.position++;
      }
      case "case", "nullif", "natural", "distinct", "any", "some", "all" -> {
        if (word.equals("nullif") && !in.isPunctuation(in.position + 1, "(")) {
          return false;
        }
        functions.operator(null, "=");
        in.position++;
      }
      case "between" -> {
        for (String symbol : List.of("<=", ">=", "<", ">")) {
          functions.operator(null, symbol);
        }
        in.position++;
      }
      case "like" -> impliedPattern("~~");
      case "ilike" -> impliedPattern("~~*");
      case "similar" -> impliedPattern("~");
      case "as" -> in.position++;
      case "only", "lateral" -> in.position++;
      case "rows" -> {
        if (!level.item || !in.isWord(in.position + 1, "from")) {
          return false;
        }
        in.position += 2;
      }
      default -> {
        if (!Keywords.isReserved(word)) {
          return false;
        }
        in.position++;
        if (level.item) {
          // FROM CAST(1 AS int) a, FROM current_timestamp(3) a, FROM current_user a
          level.itemCall = in.isPunctuation(in.position, "(");
          level.alias = !level.itemCall;
          hasValueItem = true;
        }
        level.item = false;
      }
    }
    return true;
  }

  private void impliedPattern(String symbol) {
    functions.operator(null, symbol);
    functions.operator(null, "!" + symbol);
    in.position++;
  }

  private void startQuery(Clause clause) {
    level.clause = clause;
    level.item = false;
    level.alias = false;
    level.isQuery = true;
    in.position++;
  }

  private void startWith() {
    level.startWith();
    in.position++;
    if (in.isWord(in.position, "recursive")
        && !in.isWord(in.position + 1, "as")
        && !in.isPunctuation(in.position + 1, "(")) {
      level.recursive = true;
      in.position++;
    }
  }

  private void clause(String word) {
    if (level.isQuery) {
      level.clause = Clause.REST;
      level.where |= word.equals("where");
      if (level.outer == null && (word.equals("limit") || word.equals("fetch"))) {
        reading.hasLimit();
      }
    }
    level.item = false;
    level.alias = false;
    in.position++;
  }

  private void returning() {
    reading.hasReturning();
    if (!level.dml.equals("insert")) {
      // What it returns was there before: that is reading.
      level.targets.forEach(relations::read);
    }
  }

  private void from() {
    if (in.isDistinctFrom(in.position)) {
      in.position++;
      return;
    }
    switch (level.clause) {
      case EXPRESSION, WITH, TARGET -> level.item = false;
      default -> {
        level.clause = Clause.FROM;
        level.item = true;
        level.alias = false;
      }
    }
    in.position++;
  }

  private void using() {
    boolean startsList =
        !level.using
            && level.clause == Clause.TARGET
            && ("delete".equals(level.dml) || "merge".equals(level.dml));
    if (startsList) {
      level.using = true;
      level.clause = Clause.FROM;
      level.item = true;
    } else {
      functions.operator(null, "=");
    }
    level.alias = false;
    in.position++;
  }

  /** {@code FOR UPDATE}, {@code FOR NO KEY UPDATE}, {@code FOR SHARE}, {@code FOR KEY SHARE}. */
  private void forLocking() {
    int next = in.position + 1;
    if (in.isWord(next, "no") && in.isWord(next + 1, "key")) {
      next += 2;
    } else if (in.isWord(next, "key")) {
      next++;
    }
    if (in.isWord(next, "update") || in.isWord(next, "share")) {
      relations.lock();
      clause("for");
      in.position = next + 1;
    } else {
      in.position++;
    }
  }

  /** {@code TABLE [ONLY] name}, a query by itself. */
  private void readTable() {
    startQuery(Clause.FROM);
    level.item = true;
    if (in.isWord(in.position, "only")) {
      in.position++;
    }
  }

  /** Skips the column names behind a query name. */
  private void skipColumnNames() {
    while (in.position < in.size && !in.isPunctuation(in.position, ")")) {
      in.position++;
    }
    in.position++;
  }

  /** A name: of a relation, function, type or column, by where it stands. */
  private void name() {
    int start = in.position;
    boolean isLabel = in.label[start];
    Token before = start > 0 ? in.tokens.get(start - 1) : null;
    if (level.clause == Clause.WITH && level.queryName && !isLabel) {
      queryName();
      return;
    }
    boolean afterDot = before != null && before.isPunctuation(".");
    boolean afterAs = before != null && before.isWord("as") && isLabel;
    boolean isItem = level.item && !isLabel;
    if (isItem
        && in.tokens.get(start).kind() == Kind.WORD
        && Keywords.isValueFunction(in.tokens.get(start).text(), catalog.serverVersionNum())) {
      in.position++;
      level.item = false;
      level.alias = true;
      hasValueItem = true;
      return;
    }
    if (isItem && in.isWord(start, "collation") && in.isWord(start + 1, "for")) {
      in.position += 2;
      level.item = false;
      level.itemCall = true;
      hasValueItem = true;
      return;
    }
    List<String> chain = in.chain();
    boolean called = in.isPunctuation(in.position, "(");
    boolean typed = before != null && before.isPunctuation("::");
    if (isItem) {
      level.item = false;
      level.alias = true;
      if (called) {
        level.itemCall = true;
        hasValueItem = true;
        functions.call(start, chain, level.definitions);
      } else {
        relation(chain);
      }
    } else if (typed
        || (in.position < in.size && in.tokens.get(in.position).kind() == Kind.STRING)) {
      type(chain, start);
    } else if (afterAs && Keywords.isCast(level.function)) {
      type(chain, start);
    } else if (level.alias && chain.size() == 1 && (afterAs || !isJoinWord(in.tokens.get(start)))) {
      level.alias = false;
      if (called) {
        aliasWithColumns(chain.get(0));
      }
    } else if (called) {
      functions.call(start, chain, level.definitions);
    } else {
      functions.attributes(chain, afterDot);
    }
    types.checkDomains(chain);
    if (!isItem && catalog.hasCheckedDomains()) {
      // A column definition or a cast may name a row type.
      types.compositeDomains(chain.get(chain.size() - 1));
    }
  }

  private static boolean isJoinWord(Token token) {
    return token.kind() == Kind.WORD && Keywords.followsFromItem(token.text());
  }

  private void aliasWithColumns(String alias) {
    functions.namesakes(alias);
    open(true);
    level.definitions = true;
    in.position++;
  }

  private void queryName() {
    level.queryName = false;
    Token name = in.tokens.get(in.position);
    boolean defines = in.isWord(in.position + 1, "as") || in.isPunctuation(in.position + 1, "(");
    level.defining = defines ? name.text() : null;
    in.position++;
    if (defines && in.isPunctuation(in.position, "(")) {
      skipColumnNames();
    }
  }

  private void relation(List<String> chain) {
    if (chain.size() > 1 || !level.isQueryName(chain.get(0))) {
      relations.read(chain);
    }
  }

  private void type(List<String> chain, int start) {
    if (in.isPunctuation(in.position, "(")) {
      // A type modifier.
      open(true);
      level.definitions = true;
      in.position++;
    }
    if (!chain.isEmpty()) {
      types.cast(chain, start);
    }
  }

  private void finish() {
    reading.hasWhere(sawUpdateOrDelete ? !changesWithoutWhere : outermostWhere);
    relations.finish();
    types.finish(relations);
    if (hasValueItem) {
      functions.attributesOfValues();
    }
  }

  /** The command tag: that of the outermost statement. */
  String tag() {
    return level.dml == null
        ? "SELECT"
        : level.dml.equals("upsert") ? "INSERT" : level.dml.toUpperCase(Locale.ROOT);
  }
}
