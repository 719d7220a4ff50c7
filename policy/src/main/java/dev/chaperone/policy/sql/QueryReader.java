package dev.chaperone.policy.sql;

import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.sql.Scope.Meaning;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

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
 */
final class QueryReader {

  /** The clause that a parenthesis level is in. */
  private enum Clause {
    /** An expression, an argument list; FROM in it belongs to a function such as EXTRACT. */
    EXPRESSION,
    /** The list of WITH. */
    WITH,
    /** Between SELECT and FROM. */
    SELECT,
    /** A list of FROM items. */
    FROM,
    /** Between the target of UPDATE, DELETE or MERGE and its next clause. */
    TARGET,
    /** UPDATE ... SET. */
    SET,
    /** Behind FROM, in a query. */
    REST
  }

  /** One parenthesis level. */
  private static final class Level {
    final Level outer;
    final int start;
    Clause clause = Clause.EXPRESSION;

    /** A FROM item may start here. */
    boolean item;

    /** A FROM item has ended here: an alias may follow. */
    boolean alias;

    /** A function that is a FROM item was named: its parenthesis follows. */
    boolean itemCall;

    /** This parenthesis ends a FROM item. */
    boolean endsItem;

    /** A query name may follow in WITH. */
    boolean queryName;

    boolean recursive;

    /** The query name being defined, visible from the end of its body on. */
    String defining;

    /** Names defined by WITH; null for none. */
    Set<String> queryNames;

    /** Those of before the WITH between INSERT's target and its query. */
    Set<String> insertQueryNames;

    boolean insertWith;

    /** The query name that this level is the body of. */
    String bodyOf;

    /** DML at this level: insert, update, delete or merge. */
    String dml;

    List<Meaning> targets = List.of();
    boolean where;
    boolean using;
    boolean isQuery;

    /** The word before the parenthesis. */
    String function = "";

    /** Names in here define columns; their parentheses are type modifiers. */
    boolean definitions;

    Level(Level outer, int start) {
      this.outer = outer;
      this.start = start;
    }
  }

  private final List<Token> tokens;
  private final int size;
  private final Scope scope;
  private final Catalog catalog;
  private final Reading reading;
  private final boolean isStatement;
  private final boolean[] label;

  private Level level;
  private int position;
  private String command = "SELECT";
  private final Set<Meaning> read = new LinkedHashSet<>();
  private final Set<Meaning> written = new LinkedHashSet<>();
  private boolean locks;
  private boolean sawUpdateOrDelete;
  private boolean changesWithoutWhere;
  private boolean outermostWhere;
  private boolean populatesRows;
  private boolean callsForeignFunction;
  private Set<String> castTargets = Set.of();

  /**
   * @param isStatement false for a bare expression
   */
  QueryReader(List<Token> tokens, Scope scope, Reading reading, boolean isStatement) {
    this.tokens = tokens;
    this.size = tokens.size();
    this.scope = scope;
    this.catalog = scope.catalog();
    this.reading = reading;
    this.isStatement = isStatement;
    this.label = labels(tokens);
  }

  /** Names the accesses to relations that are read otherwise than SELECT, as in EXPLAIN or COPY. */
  QueryReader as(String readCommand) {
    command = readCommand;
    return this;
  }

  /**
   * Which tokens are labels or parts of a qualified name, whatever key word they spell: those after
   * a dot and those after AS, unless that AS is itself a label ({@code SELECT 1 AS as FROM t}).
   */
  static boolean[] labels(List<Token> tokens) {
    boolean[] label = new boolean[tokens.size()];
    for (int i = 1; i < label.length; i++) {
      Token previous = tokens.get(i - 1);
      label[i] =
          tokens.get(i).isName()
              && (previous.isPunctuation(".") || (previous.isWord("as") && !label[i - 1]));
    }
    return label;
  }

  void read() {
    level = new Level(null, 0);
    level.isQuery = isStatement;
    while (position < size) {
      step();
    }
    while (level.outer != null) {
      close();
    }
    finishLevel();
    finish();
  }

  private void step() {
    Token token = tokens.get(position);
    switch (token.kind()) {
      case PUNCTUATION -> punctuation(token);
      case OPERATOR -> {
        operator(null, token.text());
        // "FROM t *": behind the name itself, and nowhere else.
        level.alias = level.alias && token.isOperator("*") && tokens.get(position - 1).isName();
        level.item = false;
        position++;
      }
      case WORD -> {
        if (label[position] || !keyword(token.text())) {
          name();
        }
      }
      case QUOTED -> name();
      case PARAMETER -> {
        parameter(token.text());
        level.item = false;
        position++;
      }
      default -> {
        level.item = false;
        position++;
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
    position++;
  }

  private void open(boolean mayHoldStatement) {
    Level inner = new Level(level, position + 1);
    if (mayHoldStatement) {
      if (level.clause == Clause.FROM && level.item) {
        inner.clause = Clause.FROM;
        inner.item = true;
        inner.endsItem = true;
      }
      inner.endsItem |= level.itemCall;
      Token before = position > 0 ? tokens.get(position - 1) : null;
      if (level.clause == Clause.WITH
          && level.defining != null
          && before != null
          && (before.isWord("as") || before.isWord("materialized"))) {
        inner.bodyOf = level.defining;
        if (level.recursive) {
          define(level, level.defining);
        }
      }
      if (before != null && before.kind() == Kind.WORD) {
        inner.function = before.text();
        inner.definitions = level.clause == Clause.FROM && before.isWord("as");
      }
    }
    level.item = false;
    level.itemCall = false;
    level = inner;
  }

  private static void define(Level level, String name) {
    if (level.queryNames == null) {
      level.queryNames = new LinkedHashSet<>();
    }
    level.queryNames.add(name);
  }

  private void close() {
    finishLevel();
    Level closed = level;
    if (level.outer == null) {
      return;
    }
    level = level.outer;
    level.item = false;
    level.alias = closed.endsItem;
    if (closed.bodyOf != null && closed.bodyOf.equals(level.defining)) {
      define(level, closed.bodyOf);
      level.defining = null;
    }
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

  /** Whether a statement may start at this token: first in a parenthesis, or behind WITH's list. */
  private boolean mayStartStatement() {
    return position == level.start || level.clause == Clause.WITH;
  }

  /** Handles a key word that is not a label; false if it is a name here. */
  private boolean keyword(String word) {
    boolean alias = level.alias;
    if ((alias || (level.clause == Clause.WITH && level.queryName)) && mayBeAlias(word)) {
      return false;
    }
    int start = position;
    // Between a FROM item and its alias stand only AS and WITH ORDINALITY.
    level.alias = alias && (word.equals("as") || isWord(position + 1, "ordinality"));
    if (!isKeyword(word)) {
      level.alias = alias;
      return false;
    }
    if (isPunctuation(start + 1, "(") && !Keywords.isReserved(word)) {
      // LIKE (...) may be the operator or a call of a function of that name.
      namesakes(word, List.of(word));
    }
    return true;
  }

  /** Words that {@link #isKeyword} knows and that may all the same be the alias of a FROM item. */
  private static boolean mayBeAlias(String word) {
    return switch (word) {
      case "values",
          "insert",
          "merge",
          "delete",
          "update",
          "set",
          "operator",
          "between",
          "nullif",
          "rows" ->
          true;
      default -> false;
    };
  }

  private boolean isKeyword(String word) {
    switch (word) {
      case "select" -> startQuery(Clause.SELECT);
      case "values" -> {
        if (level.item && position != level.start) {
          return false;
        }
        if (!isWord(position + 1, ".") && isPunctuation(position + 1, "(")) {
          startQuery(Clause.REST);
        } else {
          return false;
        }
      }
      case "table" -> readTable();
      case "with" -> {
        if (position == level.start || isInsertTarget()) {
          startWith();
        } else {
          position++;
        }
      }
      case "insert" -> {
        return startDml("insert", "into");
      }
      case "merge" -> {
        return startDml("merge", "into");
      }
      case "delete" -> {
        return startDml("delete", "from");
      }
      case "update" -> {
        return startDml("update", null);
      }
      case "from" -> from();
      case "using" -> using();
      case "join" -> {
        level.item = level.clause == Clause.FROM;
        position++;
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
          endInsertQuery();
          returning();
        }
        clause(word);
      }
      case "group", "order" -> {
        if (isWord(position + 1, "by")) {
          clause(word);
        } else {
          position++;
        }
      }
      case "for" -> forLocking();
      case "into" -> into();
      case "set" -> {
        if (level.clause == Clause.TARGET && "update".equals(level.dml)) {
          level.clause = Clause.SET;
          position++;
        } else {
          return false;
        }
      }
      case "operator" -> {
        return explicitOperator();
      }
      case "on" -> {
        if (isWord(position + 1, "conflict")) {
          endInsertQuery();
        }
        level.item = false;
        position++;
      }
      case "in", "case", "nullif", "natural", "distinct", "any", "some", "all" -> {
        if (word.equals("nullif") && !isPunctuation(position + 1, "(")) {
          return false;
        }
        operator(null, "=");
        position++;
      }
      case "between" -> {
        for (String symbol : List.of("<=", ">=", "<", ">")) {
          operator(null, symbol);
        }
        position++;
      }
      case "like" -> impliedPattern("~~");
      case "ilike" -> impliedPattern("~~*");
      case "similar" -> impliedPattern("~");
      case "as" -> position++;
      case "only", "lateral" -> position++;
      case "rows" -> {
        if (!level.item || !isWord(position + 1, "from")) {
          return false;
        }
        position += 2;
      }
      default -> {
        if (!Keywords.isReserved(word)) {
          return false;
        }
        position++;
        if (level.item) {
          // FROM CAST(1 AS int) a, FROM current_timestamp(3) a, FROM current_user a
          level.itemCall = isPunctuation(position, "(");
          level.alias = !level.itemCall;
        }
        level.item = false;
      }
    }
    return true;
  }

  private void impliedPattern(String symbol) {
    operator(null, symbol);
    operator(null, "!" + symbol);
    position++;
  }

  private void startQuery(Clause clause) {
    level.clause = clause;
    level.item = false;
    level.alias = false;
    level.isQuery = true;
    position++;
  }

  private boolean isInsertTarget() {
    return level.clause == Clause.TARGET && "insert".equals(level.dml);
  }

  private void startWith() {
    if (isInsertTarget() && !level.insertWith) {
      level.insertWith = true;
      level.insertQueryNames =
          level.queryNames == null ? null : new LinkedHashSet<>(level.queryNames);
    }
    level.clause = Clause.WITH;
    level.item = false;
    level.queryName = true;
    level.isQuery = true;
    position++;
    if (isWord(position, "recursive")
        && !isWord(position + 1, "as")
        && !isPunctuation(position + 1, "(")) {
      level.recursive = true;
      position++;
    }
  }

  /** Behind the query of an INSERT, the names of the query's own WITH mean nothing any more. */
  private void endInsertQuery() {
    if (level.insertWith) {
      level.insertWith = false;
      level.queryNames = level.insertQueryNames;
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
    position++;
  }

  private void returning() {
    reading.hasReturning();
    if (!level.dml.equals("insert")) {
      // What it returns was there before: that is reading.
      level.targets.forEach(this::readMeaning);
    }
  }

  private void from() {
    if (isDistinctFrom()) {
      position++;
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
    position++;
  }

  /** {@code IS [NOT] DISTINCT FROM}, which is an operator. */
  private boolean isDistinctFrom() {
    if (position < 2 || !isWord(position - 1, "distinct") || label[position - 1]) {
      return false;
    }
    int before = isWord(position - 2, "not") ? position - 3 : position - 2;
    return before >= 0 && isWord(before, "is") && !label[before];
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
      operator(null, "=");
    }
    level.alias = false;
    position++;
  }

  /** {@code FOR UPDATE}, {@code FOR NO KEY UPDATE}, {@code FOR SHARE}, {@code FOR KEY SHARE}. */
  private void forLocking() {
    int next = position + 1;
    if (isWord(next, "no") && isWord(next + 1, "key")) {
      next += 2;
    } else if (isWord(next, "key")) {
      next++;
    }
    if (isWord(next, "update") || isWord(next, "share")) {
      locks = true;
      clause("for");
      position = next + 1;
    } else {
      position++;
    }
  }

  /** {@code SELECT ... INTO [TEMP | UNLOGGED] [TABLE] name}. */
  private void into() {
    position++;
    boolean temporary = false;
    while (position < size
        && tokens.get(position).kind() == Kind.WORD
        && Set.of("temp", "temporary", "local", "global", "unlogged", "table")
            .contains(tokens.get(position).text())
        && mayNameTarget(position + 1)) {
      temporary |= isWord(position, "temp") || isWord(position, "temporary");
      position++;
    }
    List<String> target = chain();
    if (target.isEmpty()) {
      reading.add(Effect.UNKNOWN, "SELECT INTO", "unknown");
      return;
    }
    String name = target.get(target.size() - 1);
    for (String schema : scope.creationSchemas(target)) {
      if (temporary || Scope.isTemporarySchema(schema)) {
        reading.add(Effect.SESSION_STATE, "SELECT INTO", "pg_temp." + name);
        reading.effect(new SessionEffect.CreatesTemporary(name));
      } else {
        reading.add(Effect.SCHEMA, "SELECT INTO", schema + "." + name);
        reading.effect(new SessionEffect.ChangesCatalog());
      }
    }
    if (scope.isSearchPathUnknown() && target.size() == 1 && !temporary) {
      reading.add(Effect.UNKNOWN, "SELECT INTO", "unknown");
    }
    reading.dependsOn(Dependency.SESSION);
  }

  /** Whether TEMP or its like before this token is no name itself, since the name is here. */
  private boolean mayNameTarget(int index) {
    return index < size
        && tokens.get(index).isName()
        && (tokens.get(index).kind() == Kind.QUOTED
            || isWord(index, "table")
            || !Keywords.isReserved(tokens.get(index).text()));
  }

  /** {@code TABLE [ONLY] name}, a query by itself. */
  private void readTable() {
    startQuery(Clause.FROM);
    level.item = true;
    if (isWord(position, "only")) {
      position++;
    }
  }

  /** INSERT, UPDATE, DELETE and MERGE, at the start of a statement or as an action of one. */
  private boolean startDml(String verb, String particle) {
    Token before = position > 0 ? tokens.get(position - 1) : null;
    if (before != null && before.isWord("do") && !label[position - 1] && verb.equals("update")) {
      // ON CONFLICT DO UPDATE SET: the rows it finds are there already.
      writeTargets(level.targets, "UPDATE");
      level.clause = Clause.TARGET;
      level.dml = "upsert";
      position++;
      return true;
    }
    if (before != null && before.isWord("then") && "merge".equals(level.dml)) {
      // WHEN [NOT] MATCHED THEN INSERT | UPDATE | DELETE.
      writeTargets(level.targets, verb.toUpperCase(Locale.ROOT));
      position++;
      if (verb.equals("update") && isWord(position, "set")) {
        // The list of FROM items has ended.
        level.clause = Clause.REST;
      }
      return true;
    }
    if (level.item) {
      // FROM (update JOIN b ON true): a relation of that name.
      return false;
    }
    boolean isHead =
        particle == null
            ? position + 1 < size && tokens.get(position + 1).isName()
            : isWord(position + 1, particle);
    if (!isHead) {
      if (mayStartStatement()) {
        reading.add(Effect.UNKNOWN, verb.toUpperCase(Locale.ROOT), "unknown");
      }
      return false;
    }
    if (!mayStartStatement()) {
      // A bare label such as SELECT 1 delete FROM t; or the rest of a clause we do not know.
      reading.add(Effect.UNKNOWN, verb.toUpperCase(Locale.ROOT), "unknown");
      position++;
      return true;
    }
    startTarget(verb, particle == null ? position + 1 : position + 2);
    return true;
  }

  private void startTarget(String verb, int next) {
    level.dml = verb;
    level.isQuery = true;
    level.item = false;
    level.clause = Clause.TARGET;
    position = next;
    if (isWord(position, "only")) {
      position++;
    }
    boolean parenthesis = isPunctuation(position, "(");
    if (parenthesis) {
      // ONLY (name)
      position++;
    }
    List<String> target = chain();
    if (parenthesis && isPunctuation(position, ")")) {
      position++;
    }
    String tag = verb.toUpperCase(Locale.ROOT);
    if (target.isEmpty()) {
      reading.add(Effect.UNKNOWN, tag, "unknown");
      return;
    }
    level.targets = new ArrayList<>(meanings(target));
    level.targets.forEach(meaning -> reading.target(meaning.resource()));
    writeTargets(level.targets, tag);
    // What follows in a parenthesis is a column list or a query: INSERT INTO t (SELECT ...).
    if (verb.equals("insert") && isWord(position, "as")) {
      position += 2;
    }
  }

  /** Skips the column names behind a query name. */
  private void skipColumnNames() {
    while (position < size && !isPunctuation(position, ")")) {
      position++;
    }
    position++;
  }

  private void writeTargets(List<Meaning> targets, String tag) {
    written.addAll(targets);
    for (Meaning meaning : targets) {
      Relation relation = meaning.relation();
      if (!meaning.known()) {
        unresolved(meaning.resource(), tag);
      } else if (relation != null && relation.isSystem()) {
        if (catalog.isSettingsView(relation)) {
          reading.refuse("a write to pg_settings changes settings past the gateway");
        }
        reading.add(Effect.PRIVILEGE, tag, meaning.resource());
      } else {
        reading.add(Effect.WRITE, tag, meaning.resource());
        if (relation != null) {
          if (catalog.isSettingsView(relation)) {
            reading.refuse("a write to pg_settings changes settings past the gateway");
          }
          for (Relation ancestor : catalog.ancestors(relation)) {
            reading.add(Effect.WRITE, tag, ancestor.resource());
          }
          catalog.hidden(relation).forEach(reading::add);
        }
      }
    }
  }

  /** A name: of a relation, function, type or column, by where it stands. */
  private void name() {
    int start = position;
    boolean isLabel = label[start];
    Token before = start > 0 ? tokens.get(start - 1) : null;
    if (level.clause == Clause.WITH && level.queryName && !isLabel) {
      queryName();
      return;
    }
    boolean afterDot = before != null && before.isPunctuation(".");
    boolean afterAs = before != null && before.isWord("as") && isLabel;
    boolean isItem = level.item && !isLabel;
    if (isItem
        && tokens.get(start).kind() == Kind.WORD
        && Keywords.isValueFunction(tokens.get(start).text(), catalog.serverVersionNum())) {
      position++;
      level.item = false;
      level.alias = true;
      return;
    }
    if (isItem && isWord(start, "collation") && isWord(start + 1, "for")) {
      position += 2;
      level.item = false;
      level.itemCall = true;
      return;
    }
    List<String> chain = chain();
    boolean called = isPunctuation(position, "(");
    boolean typed = before != null && before.isPunctuation("::");
    if (isItem) {
      level.item = false;
      level.alias = true;
      if (called) {
        level.itemCall = true;
        function(start, chain);
      } else {
        relation(chain);
      }
    } else if (typed || (position < size && tokens.get(position).kind() == Kind.STRING)) {
      type(chain, start);
    } else if (afterAs && isCast(level.function)) {
      type(chain, start);
    } else if (level.alias && chain.size() == 1 && (afterAs || !isJoinWord(tokens.get(start)))) {
      level.alias = false;
      if (called) {
        aliasWithColumns(chain);
      }
    } else if (called) {
      function(start, chain);
    } else {
      attributes(chain, afterDot);
    }
    checkDomains(chain);
    if (!isItem && catalog.hasCheckedDomains()) {
      // A column definition or a cast may name a row type.
      compositeDomains(chain.get(chain.size() - 1));
    }
  }

  /** Words that follow a FROM item without being its alias. */
  private static boolean isJoinWord(Token token) {
    return token.kind() == Kind.WORD
        && switch (token.text()) {
          case "left", "right", "full", "inner", "cross", "natural", "tablesample", "ordinality" ->
              true;
          default -> false;
        };
  }

  private static boolean isCast(String function) {
    return function.equals("cast")
        || function.equals("treat")
        || function.equals("xmlserialize")
        || function.equals("try_cast");
  }

  private void aliasWithColumns(List<String> chain) {
    namesakes(chain.get(0), chain);
    open(true);
    level.definitions = true;
    position++;
  }

  /** A word before a parenthesis that is most likely syntax: what a call of that name would do. */
  private void namesakes(String name, List<String> chain) {
    Boolean isVolatile = catalog.builtinFunction(name);
    if (isVolatile != null && !Keywords.isSyntax(name)) {
      FunctionRules.effectOfBuiltin(name, isVolatile)
          .ifPresent(effect -> reading.add(effect, "SELECT", "pg_catalog." + name + "()"));
    }
    for (Catalog.UserFunction f : catalog.userFunctions(chain.get(chain.size() - 1))) {
      if (!f.harmless() && scope.searches(f.schema())) {
        reading.add(Effect.EXECUTE, "SELECT", f.schema() + "." + name + "()");
      }
    }
  }

  private void queryName() {
    level.queryName = false;
    Token name = tokens.get(position);
    boolean defines = isWord(position + 1, "as") || isPunctuation(position + 1, "(");
    level.defining = defines ? name.text() : null;
    position++;
    if (defines && isPunctuation(position, "(")) {
      skipColumnNames();
    }
  }

  private List<String> chain() {
    List<String> names = new ArrayList<>(3);
    while (position < size && tokens.get(position).isName()) {
      names.add(tokens.get(position).text());
      position++;
      if (isPunctuation(position, ".")
          && position + 1 < size
          && tokens.get(position + 1).isName()) {
        position++;
      } else {
        break;
      }
    }
    return names;
  }

  private Set<Meaning> meanings(List<String> chain) {
    String name = chain.get(chain.size() - 1);
    String schema = chain.size() > 1 ? chain.get(chain.size() - 2) : null;
    if (schema == null ? scope.isTemporary(name) : Scope.isTemporarySchema(schema)) {
      reading.dependsOn(Dependency.SESSION);
    }
    return scope.relation(schema, name);
  }

  private void relation(List<String> chain) {
    if (chain.size() == 1 && isQueryName(chain.get(0))) {
      return;
    }
    for (Meaning meaning : meanings(chain)) {
      reading.table(meaning.resource());
      readMeaning(meaning);
    }
  }

  private boolean isQueryName(String name) {
    for (Level l = level; l != null; l = l.outer) {
      if (l.queryNames != null && l.queryNames.contains(name)) {
        return true;
      }
    }
    return false;
  }

  private void readMeaning(Meaning meaning) {
    Relation relation = meaning.relation();
    if (!meaning.known()) {
      unresolved(meaning.resource(), command);
      return;
    }
    if (relation == null) {
      read.add(meaning);
      reading.add(Effect.READ, command, meaning.resource());
      return;
    }
    if (relation.isSystem()) {
      SystemRelations.effectOfReading(relation)
          .ifPresent(effect -> reading.add(effect, command, meaning.resource()));
      return;
    }
    if (read.add(meaning)) {
      reading.add(Effect.READ, command, meaning.resource());
      for (Relation ancestor : catalog.ancestors(relation)) {
        reading.add(Effect.READ, command, ancestor.resource());
      }
      catalog.hidden(relation).forEach(reading::add);
    }
  }

  private void unresolved(String resource, String tag) {
    reading.unresolved(resource);
    reading.add(Effect.UNKNOWN, tag, resource);
  }

  private void function(int start, List<String> chain) {
    Token first = tokens.get(start);
    String name = chain.get(chain.size() - 1);
    String schema = chain.size() > 1 ? chain.get(chain.size() - 2) : null;
    boolean bare = schema == null && first.kind() == Kind.WORD;
    populatesRows |= FunctionRules.populatesRows(name);
    boolean known = false;
    if (schema == null || schema.equals("pg_catalog") || schema.equals("information_schema")) {
      Boolean isVolatile = catalog.builtinFunction(name);
      if (isVolatile != null) {
        known = true;
        builtin(name, isVolatile);
      }
    }
    for (Catalog.UserFunction f : catalog.userFunctions(name)) {
      if (schema == null ? scope.searches(f.schema()) : schema.equals(f.schema())) {
        // An extension overloads a built-in name for its own types alone.
        callsForeignFunction |= !known || !f.harmless();
        known = true;
        if (!f.harmless()) {
          reading.add(Effect.EXECUTE, "SELECT", f.schema() + "." + name + "()");
        }
      }
    }
    if (known
        || (bare && (Keywords.isSyntax(name) || Keywords.isReserved(name)))
        || level.definitions
        || SystemRelations.isTypeName(name)) {
      return;
    }
    if (schema == null && catalog.checkedDomain(name) != null) {
      return;
    }
    String resource = (schema == null ? scope.creationSchema() : schema) + "." + name + "()";
    reading.unresolved(resource);
    reading.add(catalog.isOpen() ? Effect.EXECUTE : Effect.UNKNOWN, "SELECT", resource);
  }

  private void builtin(String name, boolean isVolatile) {
    if (name.equals("set_config")) {
      setConfig();
      return;
    }
    if (FunctionRules.readsTypeByName(name) && catalog.hasCheckedDomains()) {
      reading.add(Effect.EXECUTE, "SELECT", "pg_catalog." + name + "()");
    }
    Optional<Effect> effect = FunctionRules.effectOfBuiltin(name, isVolatile);
    if (effect.isEmpty()) {
      return;
    }
    if (FunctionRules.namesSequence(name)) {
      reading.dependsOn(Dependency.LITERALS);
      Optional<List<String>> sequence = literalArgument().flatMap(SettingRules::splitDotted);
      if (sequence.isPresent()) {
        for (Meaning meaning : meanings(sequence.get())) {
          reading.target(meaning.resource());
          writeTargets(List.of(meaning), "SELECT");
        }
        return;
      }
    }
    reading.add(effect.get(), "SELECT", "pg_catalog." + name + "()");
  }

  /** The first argument where it is a string, perhaps cast to regclass. */
  private Optional<String> literalArgument() {
    int i = position + 1;
    if (i + 1 >= size || tokens.get(i).kind() != Kind.STRING) {
      return Optional.empty();
    }
    Token after = tokens.get(i + 1);
    boolean plain = after.isPunctuation(")") || after.isPunctuation(",");
    boolean cast =
        after.isPunctuation("::")
            && isWord(i + 2, "regclass")
            && (isPunctuation(i + 3, ")") || isPunctuation(i + 3, ","));
    return plain || cast ? Optional.of(tokens.get(i).text()) : Optional.empty();
  }

  /** {@code set_config('name', 'value', is_local)}, with constants or not. */
  private void setConfig() {
    reading.dependsOn(Dependency.LITERALS);
    int i = position + 1;
    boolean constantName =
        i + 1 < size && tokens.get(i).kind() == Kind.STRING && isPunctuation(i + 1, ",");
    if (!constantName && isSettingByName()) {
      String setting = tokens.get(size - 1).text();
      SettingChange.apply(
          setting, Optional.of(List.of(tokens.get(5).text())), "SELECT", scope, reading);
      return;
    }
    if (!constantName) {
      reading.refuse("set_config with a computed setting name");
      reading.add(Effect.SESSION_STATE, "SELECT", "setting/unknown");
      return;
    }
    String setting = tokens.get(i).text().toLowerCase(Locale.ROOT);
    boolean constantValue =
        i + 3 < size && tokens.get(i + 2).kind() == Kind.STRING && isPunctuation(i + 3, ",");
    Optional<List<String>> values = Optional.empty();
    if (constantValue) {
      String value = tokens.get(i + 2).text();
      values =
          setting.equals("search_path")
              ? SettingRules.splitIdentifiers(value)
              : Optional.of(List.of(value));
    }
    SettingChange.apply(setting, values, "SELECT", scope, reading);
  }

  /**
   * {@code SELECT set_config(name, 'value', false) FROM pg_settings WHERE name = 'setting'}, which
   * pg_dump sends since a setting may not exist: the whole statement, nothing more or less.
   */
  private boolean isSettingByName() {
    String shape = "select set_config(name, '%s', false) from pg_settings where name = '%s'";
    return size == 15
        && tokens.get(5).kind() == Kind.STRING
        && tokens.get(14).kind() == Kind.STRING
        && !scope.isTemporary("pg_settings")
        && CanonicalText.of(tokens)
            .equals(
                shape.formatted(
                    tokens.get(5).text().replace("'", "''"),
                    tokens.get(14).text().replace("'", "''")));
  }

  /**
   * {@code (value).f} calls f(value) for a value of any type, and {@code t.f} calls f(row of t)
   * where the row has no such column.
   */
  private void attributes(List<String> chain, boolean afterDot) {
    for (int i = afterDot ? 0 : 1; i < chain.size(); i++) {
      String name = chain.get(i);
      for (Catalog.UserFunction f : catalog.userFunctions(name)) {
        if ((afterDot || f.attribute()) && !f.harmless() && scope.searches(f.schema())) {
          reading.add(Effect.EXECUTE, "SELECT", f.schema() + "." + name + "()");
        }
      }
      Boolean isVolatile = catalog.builtinFunction(name);
      if (isVolatile != null) {
        FunctionRules.effectOfBuiltin(name, isVolatile)
            .ifPresent(effect -> reading.add(effect, "SELECT", "pg_catalog." + name + "()"));
      }
    }
  }

  private void type(List<String> chain, int start) {
    if (isPunctuation(position, "(")) {
      // A type modifier.
      open(true);
      level.definitions = true;
      position++;
    }
    if (chain.isEmpty()) {
      return;
    }
    String type = chain.get(chain.size() - 1);
    if (!catalog.casts().isEmpty() && !isLiteralCast(start)) {
      if (castTargets.isEmpty()) {
        castTargets = new LinkedHashSet<>();
      }
      castTargets.add(SystemRelations.internalTypeName(type));
    }
    if (catalog.hasCheckedDomains()) {
      compositeDomains(type);
    }
  }

  /** {@code 'x'::type}: the type's input function reads the literal, no cast does. */
  private boolean isLiteralCast(int start) {
    if (start < 2 || !tokens.get(start - 1).isPunctuation("::")) {
      return false;
    }
    Token operand = tokens.get(start - 2);
    // A number has a type, and so may a parameter.
    return operand.kind() == Kind.STRING;
  }

  private void compositeDomains(String type) {
    for (Relation relation : catalog.relations(type)) {
      for (String column : catalog.columnTypes(relation)) {
        domain(column);
      }
    }
  }

  private void checkDomains(List<String> chain) {
    if (!catalog.hasCheckedDomains()) {
      return;
    }
    for (String name : chain) {
      domain(name);
      if (name.startsWith("_")) {
        domain(name.substring(1));
      }
    }
  }

  private void domain(String name) {
    String schema = catalog.checkedDomain(name);
    if (schema != null) {
      reading.add(Effect.EXECUTE, "SELECT", schema + "." + name);
    }
  }

  /** {@code OPERATOR(schema.op)}; false where the word is something else. */
  private boolean explicitOperator() {
    if (!isPunctuation(position + 1, "(")) {
      return false;
    }
    int i = position + 2;
    String schema = null;
    while (i + 1 < size && tokens.get(i).isName() && isPunctuation(i + 1, ".")) {
      schema = tokens.get(i).text();
      i += 2;
    }
    if (i >= size || tokens.get(i).kind() != Kind.OPERATOR || !isPunctuation(i + 1, ")")) {
      return false;
    }
    operator(schema, tokens.get(i).text());
    position = i + 2;
    return true;
  }

  private void operator(String schema, String symbol) {
    if (!catalog.hasOperators()) {
      return;
    }
    for (Catalog.UserOperator operator : catalog.operators(symbol)) {
      if (schema == null ? scope.searches(operator.schema()) : schema.equals(operator.schema())) {
        reading.add(Effect.EXECUTE, "SELECT", operator.resource());
      }
    }
  }

  private void finish() {
    reading.hasWhere(sawUpdateOrDelete ? !changesWithoutWhere : outermostWhere);
    if (locks) {
      for (Meaning meaning : read) {
        reading.add(Effect.WRITE, "SELECT", meaning.resource());
        if (meaning.relation() != null) {
          for (Relation ancestor : catalog.ancestors(meaning.relation())) {
            reading.add(Effect.WRITE, "SELECT", ancestor.resource());
          }
        }
      }
    }
    if (populatesRows && catalog.hasCheckedDomains()) {
      for (Meaning meaning : read) {
        if (meaning.relation() != null) {
          catalog.columnTypes(meaning.relation()).forEach(this::domain);
        }
      }
    }
    for (Catalog.UserCast cast : catalog.casts()) {
      boolean used = cast.implicit() || !castTargets.isEmpty();
      // Of the two types one is not built in; where both are, the cast must be written.
      if (used && mayHoldType(cast.ofBuiltIn() ? cast.target() : cast.source())) {
        reading.add(Effect.EXECUTE, "SELECT", cast.function());
      }
    }
  }

  /** Whether a value of a type that is not built in can occur in this statement. */
  private boolean mayHoldType(String type) {
    if (callsForeignFunction || castTargets.contains(type)) {
      return true;
    }
    for (Token token : tokens) {
      if (token.isName() && token.text().equals(type)) {
        return true;
      }
    }
    for (Set<Meaning> relations : List.of(read, written)) {
      for (Meaning meaning : relations) {
        if (meaning.relation() != null && catalog.columnTypes(meaning.relation()).contains(type)) {
          return true;
        }
      }
    }
    return false;
  }

  /** The command tag: that of the outermost statement. */
  String tag() {
    return level.dml == null
        ? "SELECT"
        : level.dml.equals("upsert") ? "INSERT" : level.dml.toUpperCase(Locale.ROOT);
  }

  private boolean isWord(int index, String word) {
    return index >= 0 && index < size && tokens.get(index).isWord(word);
  }

  private boolean isPunctuation(int index, String mark) {
    return index >= 0 && index < size && tokens.get(index).isPunctuation(mark);
  }
}
