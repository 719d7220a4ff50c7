package dev.chaperone.policy.sql;

import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.sql.QueryLevel.Clause;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Reads what INSERT, UPDATE, DELETE, MERGE and SELECT INTO write to, at the head of each. */
final class TargetReader {
  private final QueryCursor in;
  private final Scope scope;
  private final Reading reading;
  private final RelationUses relations;

  TargetReader(QueryCursor in, Scope scope, Reading reading, RelationUses relations) {
    this.in = in;
    this.scope = scope;
    this.reading = reading;
    this.relations = relations;
  }

  /**
   * INSERT, UPDATE, DELETE and MERGE, at the start of a statement or as an action of one; false if
   * the verb is a name here.
   */
  boolean startDml(QueryLevel level, String verb, String particle) {
    Token before = in.position > 0 ? in.tokens.get(in.position - 1) : null;
    if (before != null
        && before.isWord("do")
        && !in.label[in.position - 1]
        && verb.equals("update")) {
      // ON CONFLICT DO UPDATE SET: the rows it finds are there already.
      relations.write(level.targets, "UPDATE");
      level.clause = Clause.TARGET;
      level.dml = "upsert";
      in.position++;
      return true;
    }
    if (before != null && before.isWord("then") && "merge".equals(level.dml)) {
      // WHEN [NOT] MATCHED THEN INSERT | UPDATE | DELETE.
      relations.write(level.targets, verb.toUpperCase(Locale.ROOT));
      in.position++;
      if (verb.equals("update") && in.isWord(in.position, "set")) {
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
            ? in.position + 1 < in.size && in.tokens.get(in.position + 1).isName()
            : in.isWord(in.position + 1, particle);
    if (!isHead) {
      if (level.mayStartStatement(in.position)) {
        reading.add(Effect.UNKNOWN, verb.toUpperCase(Locale.ROOT), "unknown");
      }
      return false;
    }
    if (!level.mayStartStatement(in.position)) {
      // A bare label such as SELECT 1 delete FROM t; or the rest of a clause we do not know.
      reading.add(Effect.UNKNOWN, verb.toUpperCase(Locale.ROOT), "unknown");
      in.position++;
      return true;
    }
    startTarget(level, verb, particle == null ? in.position + 1 : in.position + 2);
    return true;
  }

  private void startTarget(QueryLevel level, String verb, int next) {
    level.dml = verb;
    level.isQuery = true;
    level.item = false;
    level.clause = Clause.TARGET;
    in.position = next;
    if (in.isWord(in.position, "only")) {
      in.position++;
    }
    boolean parenthesis = in.isPunctuation(in.position, "(");
    if (parenthesis) {
      // ONLY (name)
      in.position++;
    }
    List<String> target = in.chain();
    if (parenthesis && in.isPunctuation(in.position, ")")) {
      in.position++;
    }
    String tag = verb.toUpperCase(Locale.ROOT);
    if (target.isEmpty()) {
      reading.add(Effect.UNKNOWN, tag, "unknown");
      return;
    }
    level.targets = new ArrayList<>(relations.meanings(target));
    level.targets.forEach(meaning -> reading.target(meaning.resource()));
    relations.write(level.targets, tag);
    // What follows in a parenthesis is a column list or a query: INSERT INTO t (SELECT ...).
    if (verb.equals("insert") && in.isWord(in.position, "as")) {
      in.position += 2;
    }
  }

  /** {@code SELECT ... INTO [TEMP | UNLOGGED] [TABLE] name}. */
  void into() {
    in.position++;
    boolean temporary = false;
    while (in.position < in.size
        && in.tokens.get(in.position).kind() == Kind.WORD
        && Set.of("temp", "temporary", "local", "global", "unlogged", "table")
            .contains(in.tokens.get(in.position).text())
        && mayNameTarget(in.position + 1)) {
      temporary |= in.isWord(in.position, "temp") || in.isWord(in.position, "temporary");
      in.position++;
    }
    List<String> target = in.chain();
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
    return index < in.size
        && in.tokens.get(index).isName()
        && (in.tokens.get(index).kind() == Kind.QUOTED
            || in.isWord(index, "table")
            || !Keywords.isReserved(in.tokens.get(index).text()));
  }
}
