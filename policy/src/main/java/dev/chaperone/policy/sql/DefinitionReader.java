package dev.chaperone.policy.sql;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.sql.Scope.Meaning;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Reads statements that define things: CREATE, ALTER, DROP, COMMENT, GRANT, maintenance. Their
 * effect follows from the kind of object; which objects they name decides the resources.
 */
final class DefinitionReader {

  /** Kinds of more than one word, longest first. */
  private static final List<String[]> LONG_KINDS =
      List.of(
          words("text search configuration"),
          words("text search dictionary"),
          words("text search parser"),
          words("text search template"),
          words("foreign data wrapper"),
          words("materialized view"),
          words("event trigger"),
          words("foreign table"),
          words("foreign server"),
          words("user mapping"),
          words("access method"),
          words("operator class"),
          words("operator family"),
          words("large object"),
          words("default privileges"));

  private static final Set<String> PRIVILEGE_KINDS =
      Set.of("role", "policy", "default privileges", "system", "owned", "user mapping");

  private static final Set<String> EXECUTE_KINDS =
      Set.of("extension", "language", "subscription", "transform");

  private static final Set<String> ROUTINE_KINDS =
      Set.of("function", "procedure", "routine", "aggregate");

  private static final Set<String> RELATION_KINDS =
      Set.of("table", "view", "materialized view", "foreign table", "sequence", "index");

  /** They belong to a table, and the table is their resource. */
  private static final Set<String> TABLE_PARTS = Set.of("trigger", "rule", "policy");

  private static final Set<String> IN_SCHEMA =
      Set.of(
          "type",
          "domain",
          "collation",
          "conversion",
          "statistics",
          "operator",
          "operator class",
          "operator family");

  private final Cursor at;
  private final Scope scope;
  private final Reading reading;
  private final StatementReader statement;

  DefinitionReader(Cursor at, Scope scope, Reading reading, StatementReader statement) {
    this.at = at;
    this.scope = scope;
    this.reading = reading;
    this.statement = statement;
  }

  private static String[] words(String list) {
    return list.split(" ");
  }

  /** Reads on behind the head; the command tag. */
  String read(String head) {
    reading.effect(new SessionEffect.ChangesCatalog());
    return switch (head) {
      case "create" -> create();
      case "alter", "drop" -> alterOrDrop(head.toUpperCase(Locale.ROOT));
      case "comment" -> comment("COMMENT");
      case "security" -> {
        at.accept("label");
        while (!at.atEnd() && !at.word().equals("on")) {
          at.advance();
        }
        yield comment("SECURITY LABEL");
      }
      case "import" -> {
        reading.add(Effect.SCHEMA, "IMPORT FOREIGN SCHEMA", importTarget());
        yield "IMPORT FOREIGN SCHEMA";
      }
      case "reassign" -> {
        roles(Effect.PRIVILEGE, "REASSIGN OWNED");
        yield "REASSIGN OWNED";
      }
      default -> grant(head.toUpperCase(Locale.ROOT));
    };
  }

  /** OWNED BY a, b [TO c]: every role is a resource. */
  private void roles(Effect effect, String tag) {
    while (!at.atEnd()) {
      if (at.isName()
          && (at.token().kind() == Token.Kind.QUOTED
              || !isOneOf(at.word(), "owned", "by", "to", "cascade", "restrict"))) {
        reading.add(effect, tag, "role/" + at.token().text());
      }
      at.advance();
    }
  }

  private String importTarget() {
    while (!at.atEnd() && !at.accept("into")) {
      at.advance();
    }
    return "schema/" + (at.isName() ? at.token().text() : "unknown");
  }

  private String lastName() {
    List<Token> rest = at.rest();
    return rest.isEmpty() ? "unknown" : rest.get(rest.size() - 1).text();
  }

  /** VACUUM, ANALYZE, REINDEX, CLUSTER, REFRESH. */
  String maintenance(String head) {
    String tag =
        switch (head) {
          case "analyse" -> "ANALYZE";
          case "refresh" -> "REFRESH MATERIALIZED VIEW";
          default -> head.toUpperCase(Locale.ROOT);
        };
    // Only words that the grammar has in this statement: the others may be names.
    String[] options =
        switch (head) {
          case "vacuum" -> new String[] {"full", "freeze", "verbose", "analyze", "analyse"};
          case "reindex" -> new String[] {};
          case "refresh" -> new String[] {"materialized", "view"};
          default -> new String[] {"verbose"};
        };
    while (at.acceptAny(options) || at.isPunctuation("(")) {
      if (at.isPunctuation("(")) {
        at.parenthesis();
      }
    }
    if (head.equals("reindex") && at.acceptAny("index", "table")) {
      at.acceptAny("concurrently");
    }
    if (at.atEnd() || (head.equals("reindex") && at.acceptAny("database", "system"))) {
      at.acceptAny("concurrently");
      reading.add(Effect.SCHEMA, tag, "database/" + (at.isName() ? at.token().text() : "current"));
      return tag;
    }
    if (head.equals("reindex") && at.acceptAny("schema")) {
      at.acceptAny("concurrently");
      reading.add(Effect.SCHEMA, tag, "schema/" + lastName());
      return tag;
    }
    at.acceptAny("concurrently");
    do {
      // PostgreSQL 18: VACUUM ONLY t.
      at.acceptAny("only");
      List<String> name = at.name();
      if (name.isEmpty()) {
        reading.add(Effect.SCHEMA, tag, "database/current");
        break;
      }
      relation(name, Effect.SCHEMA, tag);
      if (head.equals("cluster") && at.acceptAny("on")) {
        // CLUSTER index ON table
        relation(at.name(), Effect.SCHEMA, tag);
      }
      if (!at.atEnd() && at.token().isOperator("*")) {
        at.advance();
      }
      if (at.isPunctuation("(")) {
        at.parenthesis();
      }
    } while (at.acceptPunctuation(","));
    return tag;
  }

  private String create() {
    boolean temporary = false;
    while (true) {
      if (at.acceptAny("temp", "temporary")) {
        temporary = true;
      } else if (!at.accept("or", "replace")
          && !at.acceptAny(
              "local",
              "global",
              "unlogged",
              "unique",
              "recursive",
              "trusted",
              "procedural",
              "constraint",
              "default")) {
        break;
      }
    }
    String kind = kind();
    String tag = ("CREATE " + kind).toUpperCase(Locale.ROOT);
    switch (kind) {
      case "table", "view", "materialized view" -> {
        return createRelation(kind, tag, temporary);
      }
      case "sequence" -> {
        acceptIfExists();
        created(at.name(), tag, temporary);
        return tag;
      }
      case "index" -> {
        while (!at.atEnd() && !at.accept("on")) {
          at.advance();
        }
        at.acceptAny("only");
        List<String> table = at.name();
        if (table.isEmpty()) {
          return unknown(tag);
        }
        relation(table, Effect.SCHEMA, tag);
        calls(at.rest());
        return tag;
      }
      case "rule" -> {
        tableOfPart(kind, tag, Effect.SCHEMA);
        ruleActions();
        return tag;
      }
      case "schema" -> {
        return createSchema(tag);
      }
      case "function", "procedure" -> {
        named(kind, tag, Effect.SCHEMA);
        if (at.hasAhead("begin", "atomic") && !isOneRoutineBody()) {
          reading.add(Effect.UNKNOWN, tag, "unknown");
        }
        return tag;
      }
      default -> {
        Effect effect = effect(kind);
        if (TABLE_PARTS.contains(kind)) {
          tableOfPart(kind, tag, effect);
        } else {
          named(kind, tag, effect);
        }
        if (kind.equals("policy")) {
          statement.readExpression(at.rest());
        } else if (kind.equals("domain") || kind.equals("foreign table")) {
          calls(at.rest());
        }
        foreignFiles(kind, tag);
        return tag;
      }
    }
  }

  /**
   * Whether the rest of the text is surely the routine's body: the only END is the last token, and
   * no CASE makes it ambiguous.
   */
  private boolean isOneRoutineBody() {
    List<Token> rest = at.rest();
    int last = rest.size() - 1;
    while (last > 0 && rest.get(last).isPunctuation(";")) {
      last--;
    }
    if (!rest.get(last).isWord("end")) {
      return false;
    }
    for (int i = 0; i < last; i++) {
      if (rest.get(i).isWord("end") || rest.get(i).isWord("case")) {
        return false;
      }
    }
    return true;
  }

  private String unknown(String tag) {
    reading.add(Effect.UNKNOWN, tag, "unknown");
    return tag;
  }

  private String createRelation(String kind, String tag, boolean temporary) {
    acceptIfExists();
    List<String> name = at.name();
    if (name.isEmpty()) {
      return unknown(tag);
    }
    List<Token> definition = at.rest();
    int as = topLevelAs(definition);
    String actual = kind.equals("table") && as >= 0 ? "CREATE TABLE AS" : tag;
    created(name, actual, temporary);
    if (as >= 0) {
      List<Token> body = definition.subList(as + 1, definition.size());
      if (kind.equals("view")) {
        Reading query = statement.body(body).reading();
        statement.bodyMasking(query.masking(), "shown by a view");
        reading.include(query);
        boolean ofTemporary = query.dependencies().contains(Dependency.SESSION);
        if (ofTemporary) {
          // A view of a temporary relation is temporary.
          reading.effect(new SessionEffect.CreatesTemporary(name.get(name.size() - 1)));
        }
        if ((temporary || ofTemporary || mayBeTemporary(name)) && doesMoreThanRead(query)) {
          // It is in no catalog that says what reading it runs.
          unknown(tag);
        }
      } else {
        Reading query = statement.body(body).reading();
        statement.bodyMasking(query.masking(), "copied by " + tag);
        reading.includeRun(query);
      }
    } else {
      otherTables(definition, actual);
      calls(definition);
    }
    return actual;
  }

  private boolean mayBeTemporary(List<String> name) {
    return scope.isSearchPathUnknown()
        || scope.creationSchemas(name).stream().anyMatch(Scope::isTemporarySchema);
  }

  private static boolean doesMoreThanRead(Reading query) {
    return query.changesSession()
        || query.accesses().stream().anyMatch(access -> access.effect() != Effect.READ);
  }

  private static int topLevelAs(List<Token> definition) {
    int depth = 0;
    for (int i = 0; i < definition.size(); i++) {
      if (definition.get(i).isPunctuation("(")) {
        depth++;
      } else if (definition.get(i).isPunctuation(")")) {
        depth--;
      } else if (depth == 0 && definition.get(i).isWord("as")) {
        return i;
      }
    }
    return -1;
  }

  private void created(List<String> name, String tag, boolean temporary) {
    if (name.isEmpty()) {
      unknown(tag);
      return;
    }
    String last = name.get(name.size() - 1);
    for (String schema : scope.creationSchemas(name)) {
      if (temporary || Scope.isTemporarySchema(schema)) {
        reading.add(Effect.SESSION_STATE, tag, "pg_temp." + last);
        reading.effect(new SessionEffect.CreatesTemporary(last));
        reading.dependsOn(Dependency.SESSION);
      } else {
        reading.add(Effect.SCHEMA, tag, schema + "." + last);
      }
    }
    if (scope.isSearchPathUnknown() && name.size() == 1 && !temporary) {
      unknown(tag);
    }
  }

  /** Tables that a definition of another one names: their rows, triggers or partitions change. */
  private void otherTables(List<Token> definition, String tag) {
    for (int i = 0; i + 1 < definition.size(); i++) {
      String word = definition.get(i).kind() == Token.Kind.WORD ? definition.get(i).text() : "";
      int start =
          switch (word) {
            case "of", "references", "inherit", "inherits" -> i + 1;
            case "attach", "detach" -> definition.get(i + 1).isWord("partition") ? i + 2 : -1;
            default -> -1;
          };
      if (start < 0 || start >= definition.size()) {
        continue;
      }
      Cursor other = new Cursor(definition.subList(start, definition.size()));
      other.acceptPunctuation("(");
      do {
        List<String> name = other.name();
        if (name.isEmpty()) {
          break;
        }
        relation(name, Effect.SCHEMA, tag);
      } while (word.equals("inherits") && other.acceptPunctuation(","));
    }
  }

  /** Foreign tables and servers may stand for files and programs of the server. */
  private void foreignFiles(String kind, String tag) {
    if (!kind.startsWith("foreign") && !kind.equals("server")) {
      return;
    }
    for (Token token : at.rest()) {
      if (token.isName() && isOneOf(token.text(), "program", "filename")) {
        reading.add(
            Effect.EXECUTE, tag, token.text().equals("program") ? "server/program" : "server/file");
      }
    }
  }

  private static boolean isOneOf(String word, String... words) {
    return List.of(words).contains(word);
  }

  private void ruleActions() {
    List<Token> condition = at.rest();
    int start = at.position();
    while (!at.atEnd() && !at.accept("do")) {
      at.advance();
    }
    statement.readExpression(condition.subList(0, at.position() - start));
    at.acceptAny("also", "instead");
    if (at.acceptAny("nothing") || at.atEnd()) {
      return;
    }
    List<Token> actions = at.rest();
    if (at.isPunctuation("(")) {
      List<Token> inside = at.parenthesis();
      if (at.atEnd()) {
        actions = inside;
      }
    }
    for (List<Token> action : StatementReader.split(actions, ";")) {
      if (!action.isEmpty()) {
        reading.include(statement.body(action).reading());
      }
    }
  }

  /** CREATE SCHEMA may define and grant in the same statement. */
  private String createSchema(String tag) {
    acceptIfExists();
    at.acceptAny("authorization");
    reading.add(Effect.SCHEMA, tag, "schema/" + (at.isName() ? at.token().text() : "unknown"));
    List<Token> rest = at.rest();
    int depth = 0;
    int start = -1;
    for (int i = 0; i <= rest.size(); i++) {
      boolean end = i == rest.size();
      if (!end && rest.get(i).isPunctuation("(")) {
        depth++;
      } else if (!end && rest.get(i).isPunctuation(")")) {
        depth--;
      }
      if (end || (depth == 0 && i > 0 && isElement(rest, i))) {
        if (start >= 0) {
          reading.include(statement.body(rest.subList(start, i)).reading());
        }
        start = i;
      }
    }
    return tag;
  }

  /** Whether an element of a schema may start here. */
  private static boolean isElement(List<Token> tokens, int index) {
    return (tokens.get(index).isWord("create") || tokens.get(index).isWord("grant"))
        && !tokens.get(index - 1).isWord("as")
        && !tokens.get(index - 1).isPunctuation(".");
  }

  private String alterOrDrop(String verb) {
    String kind = kind();
    String tag = (verb + " " + kind).toUpperCase(Locale.ROOT);
    Effect effect = effect(kind);
    if (verb.equals("ALTER")
        && (at.hasAhead("owner", "to")
            || at.hasAhead("row", "level", "security")
            || (kind.equals("database") && (at.hasAhead("set") || at.hasAhead("reset"))))) {
      effect = Effect.PRIVILEGE;
    }
    if (kind.equals("default privileges") || kind.equals("system")) {
      reading.add(Effect.PRIVILEGE, tag, kind.equals("system") ? "server" : "privileges/default");
    } else if (TABLE_PARTS.contains(kind)) {
      tableOfPart(kind, tag, effect);
    } else {
      named(kind, tag, effect);
    }
    if (verb.equals("ALTER")) {
      if (effect == Effect.PRIVILEGE && RELATION_KINDS.contains(kind) && hasComma(at.rest())) {
        // ALTER TABLE t OWNER TO x, ADD COLUMN y int
        List.copyOf(reading.accesses())
            .forEach(access -> reading.add(Effect.SCHEMA, tag, access.resource()));
      }
      if (kind.equals("table") || kind.equals("foreign table")) {
        otherTables(at.rest(), tag);
      }
      if (kind.equals("policy")) {
        statement.readExpression(at.rest());
      } else if (!ROUTINE_KINDS.contains(kind)) {
        calls(at.rest());
      }
      foreignFiles(kind, tag);
    }
    return tag;
  }

  private static boolean hasComma(List<Token> tokens) {
    return StatementReader.split(tokens, ",").size() > 1;
  }

  private static Effect effect(String kind) {
    if (PRIVILEGE_KINDS.contains(kind)) {
      return Effect.PRIVILEGE;
    }
    return EXECUTE_KINDS.contains(kind) ? Effect.EXECUTE : Effect.SCHEMA;
  }

  private String kind() {
    for (String[] kind : LONG_KINDS) {
      if (at.accept(kind)) {
        return String.join(" ", kind);
      }
    }
    String kind = at.word();
    at.advance();
    return switch (kind) {
      case "" -> "unknown";
      // The server's own tag: all three make roles.
      case "user", "group" -> "role";
      default -> kind;
    };
  }

  private void acceptIfExists() {
    at.acceptAny("concurrently");
    if (!at.accept("if", "not", "exists")) {
      at.accept("if", "exists");
    }
    at.acceptAny("only");
  }

  /** The objects named behind the kind, separated by commas. */
  private void named(String kind, String tag, Effect effect) {
    boolean found = false;
    if (kind.equals("owned")) {
      roles(effect, tag);
      return;
    }
    if (kind.equals("cast")) {
      List<Token> types = at.isPunctuation("(") ? at.parenthesis() : List.of();
      reading.add(
          effect,
          tag,
          "cast/" + (types.isEmpty() ? "unknown" : types.get(types.size() - 1).text()));
      return;
    }
    if (kind.equals("user mapping")) {
      while (!at.atEnd() && !at.accept("server")) {
        at.advance();
      }
      reading.add(effect, tag, "user_mapping/" + (at.isName() ? at.token().text() : "unknown"));
      return;
    }
    acceptIfExists();
    if (kind.equals("table") && at.accept("all", "in", "tablespace")) {
      reading.add(effect, tag, "tablespace/" + lastName());
      return;
    }
    do {
      List<String> name = at.name();
      if (name.isEmpty()) {
        break;
      }
      found = true;
      object(kind, name, tag, effect);
      if (at.isPunctuation("(")) {
        if (!ROUTINE_KINDS.contains(kind)) {
          break;
        }
        at.parenthesis();
      }
    } while (at.acceptPunctuation(","));
    if (!found) {
      reading.add(effect, tag, kind.replace(' ', '_') + "/unknown");
    }
  }

  private void object(String kind, List<String> name, String tag, Effect effect) {
    String last = name.get(name.size() - 1);
    String schema = name.size() > 1 ? name.get(name.size() - 2) : null;
    if (RELATION_KINDS.contains(kind)) {
      relation(name, effect, tag);
    } else if (ROUTINE_KINDS.contains(kind)) {
      reading.add(effect, tag, routineSchema(schema, last, tag) + "." + last + "()");
    } else if (IN_SCHEMA.contains(kind)) {
      reading.add(effect, tag, (schema == null ? scope.creationSchema() : schema) + "." + last);
    } else {
      String prefix =
          switch (kind) {
            case "foreign server" -> "server";
            default -> kind.replace(' ', '_');
          };
      reading.add(effect, tag, prefix + "/" + last);
    }
  }

  private String routineSchema(String schema, String name, String tag) {
    if (schema != null) {
      return schema;
    }
    if (!tag.startsWith("CREATE")) {
      for (Catalog.UserFunction f : scope.catalog().userFunctions(name)) {
        if (scope.searches(f.schema())) {
          return f.schema();
        }
      }
    }
    return scope.creationSchema();
  }

  /** A relation that is defined otherwise. Temporary ones belong to the session. */
  private void relation(List<String> name, Effect effect, String tag) {
    if (name.isEmpty()) {
      reading.add(effect, tag, "unknown");
      return;
    }
    String last = name.get(name.size() - 1);
    String schema = name.size() > 1 ? name.get(name.size() - 2) : null;
    if (scope.isTemporary(last)) {
      reading.dependsOn(Dependency.SESSION);
    }
    for (Meaning meaning : scope.relation(schema, last)) {
      reading.table(meaning.resource());
      boolean temporary = meaning.resource().startsWith("pg_temp.");
      boolean system = meaning.relation() != null && meaning.relation().isSystem();
      reading.add(
          temporary ? Effect.SESSION_STATE : system ? Effect.PRIVILEGE : effect,
          tag,
          meaning.resource());
      if (meaning.relation() != null) {
        for (Relation ancestor : scope.catalog().ancestors(meaning.relation())) {
          reading.add(effect, tag, ancestor.resource());
        }
      }
    }
  }

  /** Triggers, rules and policies: the table behind ON, or TO for an older rule. */
  private void tableOfPart(String kind, String tag, Effect effect) {
    // CREATE RULE r AS ON UPDATE TO t; CREATE TRIGGER t BEFORE INSERT ON t.
    String word = kind.equals("rule") && tag.startsWith("CREATE") ? "to" : "on";
    while (!at.atEnd() && !at.accept(word)) {
      at.advance();
    }
    List<String> table = at.name();
    if (table.isEmpty()) {
      reading.add(effect, tag, "unknown");
    } else {
      relation(table, effect, tag);
    }
  }

  private String comment(String tag) {
    at.accept("on");
    String kind = kind();
    List<String> name = new ArrayList<>();
    if (kind.equals("column")) {
      name = at.name();
      if (name.size() > 1) {
        name.remove(name.size() - 1);
        relation(name, Effect.SCHEMA, tag);
        return tag;
      }
    }
    if (TABLE_PARTS.contains(kind) || kind.equals("constraint")) {
      tableOfPart("trigger", tag, Effect.SCHEMA);
    } else {
      named(kind, tag, Effect.SCHEMA);
    }
    return tag;
  }

  /** GRANT and REVOKE: on tables, on other objects, or of roles. */
  private String grant(String tag) {
    List<Token> all = at.rest();
    if (!at.hasAhead("on")) {
      for (Token token : all) {
        if (token.isWord("to") || token.isWord("from")) {
          break;
        }
        if (token.isName()) {
          reading.add(Effect.PRIVILEGE, tag, "role/" + token.text());
        }
      }
      return tag;
    }
    while (!at.accept("on")) {
      at.advance();
    }
    Optional<String> kind = grantKind();
    if (at.accept("all")) {
      while (!at.atEnd() && !at.accept("schema")) {
        at.advance();
      }
      named("schema", tag, Effect.PRIVILEGE);
      return tag;
    }
    named(kind.orElse("table"), tag, Effect.PRIVILEGE);
    return tag;
  }

  private Optional<String> grantKind() {
    return switch (at.word()) {
      case "table",
          "sequence",
          "database",
          "domain",
          "function",
          "procedure",
          "routine",
          "language",
          "schema",
          "tablespace",
          "type",
          "parameter",
          "foreign",
          "large" ->
          // Before TO or a comma it is a table of that name.
          at.rest().size() > 1
                  && (at.word().equals("large")
                      || (at.rest().get(1).isName() && !isOneOf(at.word(1), "to", "from")))
              ? Optional.of(kind())
              : Optional.empty();
      default -> Optional.empty();
    };
  }

  /** Code that defining something runs: defaults, index expressions, USING clauses. */
  private void calls(List<Token> definition) {
    if (definition.isEmpty()) {
      return;
    }
    Reading run = new Reading();
    new QueryReader(definition, scope, run, false).read();
    for (Access access : run.accesses()) {
      // Names before a parenthesis that are no functions: tables with their columns, types.
      if (access.effect() == Effect.EXECUTE && !run.isUnresolved(access.resource())) {
        reading.add(access);
      }
    }
  }
}
