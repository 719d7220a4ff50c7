package dev.chaperone.policy.sql;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.sql.Scope.Meaning;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Reads one statement of any kind: finds its kind and hands over to the reader for it. */
final class StatementReader {

  /** A body in a body in a body: no statement that the server accepts goes deeper. */
  private static final int MAX_NESTING = 4;

  /**
   * Definitions that run with other statements, unseen, or that show the same rows under another
   * name.
   */
  private static final Set<String> BRINGS_CODE =
      Set.of(
          "CREATE FUNCTION",
          "CREATE PROCEDURE",
          "CREATE TRIGGER",
          "CREATE EVENT TRIGGER",
          "CREATE FOREIGN TABLE",
          "CREATE FOREIGN SERVER",
          "CREATE SERVER",
          "CREATE FOREIGN DATA WRAPPER",
          "CREATE USER MAPPING",
          "IMPORT FOREIGN SCHEMA",
          "CREATE PUBLICATION",
          "CREATE SUBSCRIPTION");

  /** Words of definitions that may give the name of a function or operator another meaning. */
  private static final Set<String> OVERLOADS =
      Set.of(
          "function",
          "procedure",
          "routine",
          "aggregate",
          "operator",
          "cast",
          "extension",
          "language",
          "transform");

  /** CREATE OR REPLACE TRUSTED PROCEDURAL LANGUAGE. */
  private static final int MAX_HEAD_WORDS = 6;

  /** What a statement turned out to be. */
  record Result(String command, Reading reading) {}

  private final List<Token> tokens;
  private final Scope scope;
  private final Grammar grammar;
  private final int nesting;
  private final Cursor at;
  private final Reading reading = new Reading();
  private boolean isQuery;

  private StatementReader(List<Token> tokens, Scope scope, Grammar grammar, int nesting) {
    this.tokens = tokens;
    this.scope = scope;
    this.grammar = grammar;
    this.nesting = nesting;
    this.at = new Cursor(tokens);
  }

  /**
   * Reads a statement.
   *
   * @param tokens at least one
   */
  static Result read(List<Token> tokens, Scope scope, Grammar grammar) {
    return read(tokens, scope, grammar, 0);
  }

  private static Result read(List<Token> tokens, Scope scope, Grammar grammar, int nesting) {
    StatementReader reader = new StatementReader(tokens, scope, grammar, nesting);
    String command = reader.read();
    if (!scope.protectedColumns().isEmpty()) {
      reader.judgeMasking(command);
    }
    return new Result(command, reader.reading);
  }

  /** What the statement does with masked columns, where its kind has not already said so. */
  private void judgeMasking(String command) {
    ProtectedColumns columns = scope.protectedColumns();
    if (BRINGS_CODE.contains(command)) {
      reading.masking(
          new Masking.Refused(
              command
                  + " is not available where columns are masked: it brings in code or tables"
                  + " that could show them",
              "Such definitions are for those who manage the database."));
      return;
    }
    if (columns.hasCalling() && mayOverload()) {
      // Others do not see it before the end of the transaction; the gateway's catalog neither.
      reading.masking(
          new Masking.Refused(
              command
                  + " is not available where masked columns may be compared or be in expressions: it may"
                  + " give functions and operators another meaning",
              "Such definitions are for those who manage the database."));
      return;
    }
    boolean touches = false;
    List<String> named = new ArrayList<>(reading.tables());
    reading.accesses().forEach(access -> named.add(access.resource()));
    for (String resource : named) {
      if (SystemRelations.isStatistics(resource) || FunctionRules.readsPastNames(resource)) {
        reading.masking(
            new Masking.Refused(
                resource + " may show values of masked columns",
                "Read the tables themselves; their masked columns come masked."));
        return;
      }
      touches |= columns.concerns(resource);
      columns
          .denied(resource)
          .ifPresent(
              reason ->
                  reading.masking(
                      new Masking.Refused(
                          reason, "Those who manage the policy must correct its masking.")));
    }
    for (String target : reading.targets()) {
      if (columns.isRuled(target)) {
        reading.masking(
            new Masking.Refused(
                "a rule of " + target + " names tables that have masked columns",
                "Rules on writes are for those who manage the database."));
      }
    }
    if (touches && !reading.masking().touches()) {
      Masking usage = isQuery ? ColumnUsageReader.usage(tokens, scope, reading) : usageOfOther();
      reading.masking(nesting == 0 ? usage : usage.notAlone());
    }
  }

  /** Whether this is CREATE or ALTER of something that calls may mean. */
  private boolean mayOverload() {
    return (head().equals("create") || head().equals("alter"))
        && tokens.stream()
            .limit(MAX_HEAD_WORDS)
            .anyMatch(token -> token.kind() == Kind.WORD && OVERLOADS.contains(token.text()));
  }

  /** Statements that name a table and neither show nor copy what is in it. */
  private Masking usageOfOther() {
    return switch (head()) {
      case "lock",
          "truncate",
          "grant",
          "revoke",
          "vacuum",
          "analyze",
          "analyse",
          "reindex",
          "cluster",
          "refresh",
          "drop",
          "comment",
          "execute",
          "fetch",
          "move",
          "prepare",
          "declare",
          "explain",
          "copy" ->
          Masking.Projects.NOTHING;
      default ->
          new Masking.Refused(
              head().toUpperCase(Locale.ROOT)
                  + " on a table that has masked columns is not available",
              "Definitions that involve masked columns are for those who manage the database.");
    };
  }

  private String head() {
    return new Cursor(tokens).word();
  }

  /**
   * Takes over what the body of a statement does with masked columns.
   *
   * @param verb what would be done with the columns it returns, or empty where they are only
   *     returned later
   */
  void bodyMasking(Masking body, String verb) {
    if (!verb.isEmpty() && body instanceof Masking.Projects p && !p.columns().isEmpty()) {
      reading.masking(
          new Masking.Refused(
              "the masked column " + p.columns().get(0) + " may not be " + verb,
              "Leave the masked columns out of the query."));
    } else {
      reading.masking(body.withoutColumns());
    }
  }

  /** Reads a statement inside of this one. */
  Result body(List<Token> body) {
    if (body.isEmpty() || nesting >= MAX_NESTING) {
      Reading unknown = new Reading();
      unknown.add(Effect.UNKNOWN, "SELECT", "unknown");
      return new Result("SELECT", unknown);
    }
    return read(body, scope, grammar, nesting + 1);
  }

  private String read() {
    Cursor start = new Cursor(tokens);
    while (start.acceptPunctuation("(")) {
      // A query in parentheses.
    }
    boolean inParentheses = start.position() > 0;
    String head = start.word();
    switch (head) {
      case "select", "values", "table", "with" -> {
        return query();
      }
      default -> {}
    }
    if (inParentheses) {
      return unknown("SELECT");
    }
    if (!isQueryHead(head)) {
      // Only a query's literals are known not to matter.
      reading.dependsOn(Dependency.LITERALS);
    }
    at.advance();
    return switch (head) {
      case "insert", "update", "delete", "merge" -> query();
      case "explain" -> explain();
      case "show" -> "SHOW";
      case "begin" -> transaction("BEGIN");
      case "start" -> transaction("START TRANSACTION");
      case "commit", "end" -> transaction("COMMIT");
      case "rollback", "abort" -> transaction("ROLLBACK");
      case "savepoint" -> "SAVEPOINT";
      case "release" -> "RELEASE";
      case "set" -> set();
      case "reset" -> reset();
      case "discard" -> discard();
      case "prepare" -> prepare();
      case "execute" -> execute();
      case "deallocate" -> deallocate();
      case "declare" -> declare();
      case "fetch" -> fetch("FETCH");
      case "move" -> fetch("MOVE");
      case "close" -> close();
      case "copy" -> copy();
      case "lock" -> lock();
      case "truncate" -> truncate();
      case "listen", "unlisten", "notify" -> notification(head);
      case "call" -> call();
      case "do" -> anonymousBlock();
      case "checkpoint" -> add(Effect.EXECUTE, "CHECKPOINT", "server");
      case "load" -> add(Effect.EXECUTE, "LOAD", "server/library");
      case "vacuum", "analyze", "analyse", "reindex", "cluster", "refresh" ->
          new DefinitionReader(at, scope, reading, this).maintenance(head);
      case "create",
          "alter",
          "drop",
          "comment",
          "security",
          "import",
          "grant",
          "revoke",
          "reassign" ->
          new DefinitionReader(at, scope, reading, this).read(head);
      default -> unknown(head.isEmpty() ? "UNKNOWN" : head.toUpperCase(Locale.ROOT));
    };
  }

  private static boolean isQueryHead(String head) {
    return switch (head) {
      case "insert", "update", "delete", "merge" -> true;
      default -> false;
    };
  }

  private String add(Effect effect, String command, String resource) {
    reading.add(effect, command, resource);
    return command;
  }

  private String unknown(String command) {
    return add(Effect.UNKNOWN, command, "unknown");
  }

  private String query() {
    isQuery = true;
    return readQuery(tokens, "SELECT");
  }

  private String readQuery(List<Token> query, String readCommand) {
    QueryReader reader = new QueryReader(query, scope, reading, true).as(readCommand);
    reader.read();
    grammar.check(query, scope, reading);
    return reader.tag();
  }

  private String transaction(String tag) {
    if (at.acceptAny("prepared")) {
      return unknown(tag + " PREPARED");
    }
    return tag;
  }

  /** EXPLAIN runs nothing but what planning runs; with ANALYZE it runs the statement. */
  private String explain() {
    boolean analyze = false;
    if (at.isPunctuation("(") && !isParenthesizedQuery()) {
      for (List<Token> option : split(at.parenthesis(), ",")) {
        analyze |= isAnalyzeOption(option);
        if (option.stream().anyMatch(Token::isLiteral)) {
          reading.dependsOn(Dependency.LITERALS);
        }
      }
    } else {
      while (true) {
        if (at.acceptAny("analyze", "analyse")) {
          analyze = true;
        } else if (!at.acceptAny("verbose")) {
          break;
        }
      }
    }
    Result body = body(at.rest());
    bodyMasking(body.reading().masking(), "shown by EXPLAIN");
    if (analyze) {
      reading.includeRun(body.reading());
      return "EXPLAIN";
    }
    reading.includeExplained(body.reading());
    for (Access access : body.reading().accesses()) {
      reading.add(planned(access));
    }
    return "EXPLAIN";
  }

  /** What is left of an access when its statement is planned and not run. */
  private static Access planned(Access access) {
    return switch (access.effect()) {
      case READ, WRITE, SCHEMA, SESSION_STATE ->
          new Access(Effect.READ, "EXPLAIN", access.resource());
      default -> access;
    };
  }

  private boolean isParenthesizedQuery() {
    Cursor ahead = new Cursor(at.rest());
    while (ahead.acceptPunctuation("(")) {
      // EXPLAIN (SELECT ...)
    }
    return switch (ahead.word()) {
      case "select", "values", "table", "with" -> true;
      default -> false;
    };
  }

  /** {@code ANALYZE}, {@code "analyze" on}, {@code ANALYSE 'true'}: anything but a plain no. */
  private static boolean isAnalyzeOption(List<Token> option) {
    if (option.isEmpty()
        || !Set.of("analyze", "analyse").contains(option.get(0).text().toLowerCase(Locale.ROOT))) {
      return false;
    }
    return option.size() != 2
        || !Set.of("false", "off", "0").contains(option.get(1).text().toLowerCase(Locale.ROOT));
  }

  static List<List<Token>> split(List<Token> tokens, String mark) {
    List<List<Token>> parts = new ArrayList<>();
    int depth = 0;
    int start = 0;
    for (int i = 0; i < tokens.size(); i++) {
      Token token = tokens.get(i);
      if (token.isPunctuation("(")) {
        depth++;
      } else if (token.isPunctuation(")")) {
        depth--;
      } else if (depth == 0 && token.isPunctuation(mark)) {
        parts.add(tokens.subList(start, i));
        start = i + 1;
      }
    }
    parts.add(tokens.subList(start, tokens.size()));
    return parts;
  }

  private String set() {
    if (at.acceptAny("transaction") || at.accept("session", "characteristics")) {
      if (at.acceptAny("snapshot")) {
        reading.add(Effect.SESSION_STATE, "SET", "setting/transaction_snapshot");
      }
      return "SET";
    }
    if (at.acceptAny("constraints")) {
      return add(Effect.SESSION_STATE, "SET CONSTRAINTS", "constraints");
    }
    boolean local = (at.word().equals("local") || at.word().equals("session"));
    if (local && !at.word(1).isEmpty() && !at.word(1).equals("to")) {
      at.advance();
      if (at.accept("characteristics")) {
        return "SET";
      }
    }
    if (at.acceptAny("authorization")) {
      return setting("session_authorization", values());
    }
    if (at.accept("time", "zone")) {
      return setting("timezone", Optional.of(List.of()));
    }
    if (at.acceptAny("names")) {
      return setting("client_encoding", values());
    }
    if (at.word().equals("schema") && !at.word(1).equals("to")) {
      at.advance();
      return setting("search_path", values());
    }
    if (at.accept("xml", "option")) {
      return add(Effect.SESSION_STATE, "SET", "setting/xmloption");
    }
    if (at.word().equals("role")
        && !at.word(1).equals("to")
        && at.rest().size() > 1
        && !at.rest().get(1).isOperator("=")) {
      at.advance();
      return setting("role", values());
    }
    List<String> name = at.name();
    if (name.isEmpty()) {
      return unknown("SET");
    }
    if (!at.acceptAny("to")) {
      if (at.atEnd() || !at.token().isOperator("=")) {
        return unknown("SET");
      }
      at.advance();
    }
    return setting(String.join(".", name), values());
  }

  private String setting(String name, Optional<List<String>> values) {
    boolean isDefault = values.isEmpty();
    if (isDefault
        && !Set.of(
                "client_encoding", "standard_conforming_strings", "role", "session_authorization")
            .contains(name.toLowerCase(Locale.ROOT))) {
      resets(name);
    } else {
      SettingChange.apply(name, values, "SET", scope, reading);
    }
    return "SET";
  }

  /** The constants of SET, or empty for DEFAULT. */
  private Optional<List<String>> values() {
    List<String> values = new ArrayList<>();
    String sign = "";
    if (at.atEnd() || (at.word().equals("default") && at.rest().size() == 1)) {
      return Optional.empty();
    }
    for (Token token : at.rest()) {
      if (token.isPunctuation(",")) {
        continue;
      }
      if (token.kind() == Kind.OPERATOR) {
        sign = token.text();
        continue;
      }
      values.add(sign + token.text());
      sign = "";
    }
    return Optional.of(values);
  }

  private void resets(String name) {
    if (name.toLowerCase(Locale.ROOT).equals("search_path")) {
      reading.effect(new SessionEffect.ChangesSearchPath(Optional.empty()));
    }
  }

  /** Neutral: the gateway pins its own settings again afterwards. */
  private String reset() {
    if (at.acceptAny("all")) {
      resets("search_path");
    } else if (at.acceptAny("role") || at.accept("session", "authorization")) {
      reading.effect(new SessionEffect.ChangesRole());
    } else {
      String name = String.join(".", at.name()).toLowerCase(Locale.ROOT);
      if (name.equals("role") || name.equals("session_authorization")) {
        reading.effect(new SessionEffect.ChangesRole());
      } else if (name.equals("client_encoding") || name.equals("standard_conforming_strings")) {
        SettingChange.apply(name, Optional.empty(), "RESET", scope, reading);
      } else {
        resets(name);
      }
    }
    return "RESET";
  }

  private String discard() {
    if (at.acceptAny("all")) {
      reading.effect(new SessionEffect.DeallocatesAll());
      reading.effect(new SessionEffect.ClosesAllCursors());
      reading.effect(new SessionEffect.ChangesSearchPath(Optional.empty()));
      reading.effect(new SessionEffect.ChangesRole());
      return "DISCARD ALL";
    }
    return "DISCARD";
  }

  private String prepare() {
    if (at.acceptAny("transaction")) {
      return unknown("PREPARE TRANSACTION");
    }
    String name = objectName();
    List<Token> types = at.isPunctuation("(") ? at.parenthesis() : List.of();
    if (name == null || !at.acceptAny("as")) {
      return unknown("PREPARE");
    }
    Result body = body(at.rest());
    // The arguments of each EXECUTE become values of these types, and the body's casts take them.
    new QueryReader(valuesOf(types), scope, body.reading(), false).read();
    bodyMasking(body.reading().masking(), "");
    reading.include(body.reading());
    reading.effect(
        new SessionEffect.Prepares(
            name, body.reading().toStatement(CanonicalText.of(at.rest()), body.command(), 1)));
    return "PREPARE";
  }

  /** An expression with a value of each type of a list. */
  private static List<Token> valuesOf(List<Token> types) {
    List<Token> values = new ArrayList<>();
    for (List<Token> type : split(types, ",")) {
      values.add(new Token(Kind.WORD, "null", 0));
      values.add(new Token(Kind.PUNCTUATION, "::", 0));
      values.addAll(type);
      values.add(new Token(Kind.PUNCTUATION, ",", 0));
    }
    return values;
  }

  private String execute() {
    String name = objectName();
    if (name == null) {
      return unknown("EXECUTE");
    }
    candidates("EXECUTE", "prepared/" + name, scope.prepared(name));
    if (at.isPunctuation("(")) {
      Reading arguments = new Reading();
      new QueryReader(at.parenthesis(), scope, arguments, false).read();
      reading.includeEvaluated(arguments);
    }
    if (reading.masking() instanceof Masking.Projects p && !p.maskedParameters().isEmpty()) {
      // They are the parameters of what is executed; the arguments stand here.
      reading.masking(new Masking.Projects(List.of(), parameters(), true));
    }
    return "EXECUTE";
  }

  private Set<Integer> parameters() {
    return IntStream.rangeClosed(1, Math.min(reading.parameters(), 0xFFFF))
        .boxed()
        .collect(Collectors.toSet());
  }

  private void candidates(String command, String resource, List<SqlStatement> candidates) {
    reading.dependsOn(Dependency.SESSION);
    if (candidates.isEmpty()) {
      reading.add(Effect.UNKNOWN, command, resource);
    }
    boolean where = !candidates.isEmpty();
    candidateMasking(candidates);
    for (SqlStatement candidate : candidates) {
      reading.runs(candidate);
      candidate.part().accesses().forEach(reading::add);
      candidate.refusal().ifPresent(reading::refuse);
      where &= Boolean.TRUE.equals(candidate.part().attributes().get(SqlAttributes.HAS_WHERE));
      if (candidate.part().attributes().get(SqlAttributes.TABLES) instanceof List<?> tables) {
        tables.forEach(table -> reading.table((String) table));
      }
      // What it does to the session it does when it runs.
      candidate.effects().forEach(reading::effect);
    }
    reading.hasWhere(where);
  }

  /** One of the candidates runs; which one must make no difference to what is masked. */
  private void candidateMasking(List<SqlStatement> candidates) {
    Masking all = Masking.Untouched.INSTANCE;
    int shown = -1;
    for (SqlStatement candidate : candidates) {
      Masking masking = candidate.masking().notAlone();
      int columns = masking instanceof Masking.Projects p ? p.columns().size() : 0;
      if (shown >= 0 && columns != shown) {
        reading.masking(
            new Masking.Refused(
                "the name may stand for several statements, with other masked columns",
                "Use another name for each statement."));
        return;
      }
      shown = columns;
      all = all.touches() ? all.and(masking.withoutColumns()) : masking;
    }
    reading.masking(all);
  }

  private String deallocate() {
    at.acceptAny("prepare");
    if (at.acceptAny("all")) {
      reading.effect(new SessionEffect.DeallocatesAll());
      return "DEALLOCATE ALL";
    }
    String name = objectName();
    if (name != null) {
      reading.effect(new SessionEffect.Deallocates(name));
    }
    return "DEALLOCATE";
  }

  private String declare() {
    String name = objectName();
    boolean withHold = false;
    while (!at.atEnd() && !at.word().equals("for")) {
      withHold |= at.word().equals("with") && at.word(1).equals("hold");
      at.advance();
    }
    at.advance();
    if (name == null || at.atEnd()) {
      return unknown("DECLARE CURSOR");
    }
    Result body = body(at.rest());
    bodyMasking(body.reading().masking(), "");
    if (withHold) {
      // Runs at COMMIT if nobody fetches before.
      reading.includeRun(body.reading());
    } else {
      reading.include(body.reading());
    }
    reading.effect(
        new SessionEffect.DeclaresCursor(
            name,
            withHold,
            body.reading().toStatement(CanonicalText.of(at.rest()), body.command(), 1)));
    return "DECLARE CURSOR";
  }

  /** FETCH and MOVE run the cursor's query; its name comes last. */
  private String fetch(String tag) {
    Token last = tokens.get(tokens.size() - 1);
    if (tokens.size() < 2 || !last.isName()) {
      return unknown(tag);
    }
    candidates(tag, "cursor/" + last.text(), scope.cursor(last.text()));
    return tag;
  }

  private String close() {
    if (at.acceptAny("all")) {
      reading.effect(new SessionEffect.ClosesAllCursors());
      return "CLOSE CURSOR ALL";
    }
    String name = objectName();
    if (name != null) {
      reading.effect(new SessionEffect.ClosesCursor(name));
    }
    return "CLOSE CURSOR";
  }

  private String copy() {
    boolean to;
    if (at.isPunctuation("(")) {
      Result body = body(at.parenthesis());
      bodyMasking(body.reading().masking(), "copied by COPY");
      reading.includeRun(body.reading());
      to = at.acceptAny("to");
      if (!to) {
        return unknown("COPY");
      }
    } else {
      at.acceptAny("binary");
      int nameAt = at.position();
      List<String> name = at.name();
      int nameEnd = at.position();
      List<Token> columns = at.isPunctuation("(") ? at.parenthesis() : List.of();
      to = at.acceptAny("to");
      if (name.isEmpty() || (!to && !at.acceptAny("from"))) {
        return unknown("COPY");
      }
      if (to) {
        List<Token> table = new ArrayList<>();
        table.add(new Token(Kind.WORD, "table", 0));
        table.addAll(tokens.subList(nameAt, nameEnd));
        new QueryReader(table, scope, reading, true).as("COPY").read();
        copyMasking(name, columns);
      } else {
        writes(name, "COPY");
      }
    }
    if (at.acceptAny("program")) {
      reading.add(Effect.EXECUTE, "COPY", "server/program");
    } else if (!at.acceptAny("stdin", "stdout")) {
      reading.add(Effect.EXECUTE, "COPY", "server/file");
    } else if (!to) {
      reading.effect(new SessionEffect.CopiesIn());
    }
    if (at.hasAhead("where")) {
      while (!at.accept("where")) {
        at.advance();
      }
      readExpression(at.rest());
    }
    return "COPY";
  }

  /** COPY t (a, b) TO: the columns are those of a query. */
  private void copyMasking(List<String> name, List<Token> columns) {
    if (scope.protectedColumns().isEmpty()) {
      return;
    }
    List<Token> query = new ArrayList<>();
    query.add(new Token(Kind.WORD, "select", 0));
    if (columns.isEmpty()) {
      query.add(new Token(Kind.OPERATOR, "*", 0));
    } else {
      query.addAll(columns);
    }
    query.add(new Token(Kind.WORD, "from", 0));
    for (int i = 0; i < name.size(); i++) {
      if (i > 0) {
        query.add(new Token(Kind.PUNCTUATION, ".", 0));
      }
      query.add(new Token(Kind.QUOTED, name.get(i), 0));
    }
    Result body = body(query);
    if (body.reading().masking().touches()) {
      bodyMasking(body.reading().masking(), "copied by COPY");
    }
  }

  /** A write to a relation, named outside of a query. */
  void writes(List<String> name, String tag) {
    for (Meaning meaning : resolve(name)) {
      reading.target(meaning.resource());
      Relation relation = meaning.relation();
      if (!meaning.known()) {
        reading.unresolved(meaning.resource());
        reading.add(Effect.UNKNOWN, tag, meaning.resource());
      } else if (relation != null && relation.isSystem()) {
        reading.add(Effect.PRIVILEGE, tag, meaning.resource());
      } else {
        reading.add(Effect.WRITE, tag, meaning.resource());
        if (relation != null) {
          for (Relation ancestor : scope.catalog().ancestors(relation)) {
            reading.add(Effect.WRITE, tag, ancestor.resource());
          }
          scope.catalog().hidden(relation).forEach(reading::add);
        }
      }
    }
  }

  private Set<Meaning> resolve(List<String> name) {
    String last = name.get(name.size() - 1);
    if (scope.isTemporary(last)) {
      reading.dependsOn(Dependency.SESSION);
    }
    return scope.relation(name.size() > 1 ? name.get(name.size() - 2) : null, last);
  }

  private String lock() {
    at.acceptAny("table");
    List<List<String>> names = new ArrayList<>();
    do {
      at.acceptAny("only");
      List<String> name = at.name();
      if (name.isEmpty()) {
        return unknown("LOCK TABLE");
      }
      names.add(name);
      if (!at.atEnd() && at.token().isOperator("*")) {
        at.advance();
      }
    } while (at.acceptPunctuation(","));
    if (at.accept("in", "access", "share", "mode")) {
      return "LOCK TABLE";
    }
    for (List<String> name : names) {
      for (Meaning meaning : resolve(name)) {
        reading.table(meaning.resource());
        reading.add(Effect.SESSION_STATE, "LOCK TABLE", meaning.resource());
      }
    }
    return "LOCK TABLE";
  }

  private String truncate() {
    at.acceptAny("table");
    do {
      at.acceptAny("only");
      List<String> name = at.name();
      if (name.isEmpty()) {
        return unknown("TRUNCATE");
      }
      writes(name, "TRUNCATE");
      if (!at.atEnd() && at.token().isOperator("*")) {
        at.advance();
      }
    } while (at.acceptPunctuation(","));
    return "TRUNCATE";
  }

  private String notification(String head) {
    String channel = at.isName() ? at.token().text() : "*";
    return add(Effect.SESSION_STATE, head.toUpperCase(Locale.ROOT), "channel/" + channel);
  }

  private String call() {
    List<String> name = at.name();
    if (name.isEmpty()) {
      return unknown("CALL");
    }
    String procedure = name.get(name.size() - 1);
    String schema = name.size() > 1 ? name.get(name.size() - 2) : null;
    boolean found = false;
    for (Catalog.UserFunction f : scope.catalog().userFunctions(procedure)) {
      if (schema == null ? scope.searches(f.schema()) : schema.equals(f.schema())) {
        found = true;
        reading.add(Effect.EXECUTE, "CALL", f.schema() + "." + procedure + "()");
      }
    }
    if (!found) {
      String resource = (schema == null ? scope.creationSchema() : schema) + "." + procedure + "()";
      reading.unresolved(resource);
      reading.add(Effect.EXECUTE, "CALL", resource);
    }
    readExpression(at.rest());
    return "CALL";
  }

  private String anonymousBlock() {
    String language = "plpgsql";
    while (!at.atEnd()) {
      if (at.acceptAny("language") && at.isName()) {
        language = at.token().text();
      }
      at.advance();
    }
    return add(Effect.EXECUTE, "DO", "language/" + language);
  }

  /** Reads an expression of the statement for what evaluating it does. */
  void readExpression(List<Token> expression) {
    if (!expression.isEmpty()) {
      new QueryReader(expression, scope, reading, false).read();
    }
  }

  private String objectName() {
    if (!at.isName()) {
      return null;
    }
    String name = at.token().text();
    at.advance();
    return name;
  }
}
