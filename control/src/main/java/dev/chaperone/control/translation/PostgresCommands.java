package dev.chaperone.control.translation;

import dev.chaperone.policy.Glob;
import java.util.ArrayList;
import java.util.List;

/**
 * The words that {@code commands} of a rule can name: the command tags of PostgreSQL 18, as far as
 * the analysis says them. A tag that it never says is not here, so that a rule which could not
 * match is refused.
 */
final class PostgresCommands {
  private static final List<String> OBJECTS =
      List.of(
          "ACCESS METHOD",
          "AGGREGATE",
          "CAST",
          "COLLATION",
          "CONVERSION",
          "DATABASE",
          "DOMAIN",
          "EVENT TRIGGER",
          "EXTENSION",
          "FOREIGN DATA WRAPPER",
          "FOREIGN TABLE",
          "FUNCTION",
          "INDEX",
          "LANGUAGE",
          "LARGE OBJECT",
          "MATERIALIZED VIEW",
          "OPERATOR",
          "OPERATOR CLASS",
          "OPERATOR FAMILY",
          "POLICY",
          "PROCEDURE",
          "PUBLICATION",
          "ROLE",
          "ROUTINE",
          "RULE",
          "SCHEMA",
          "SEQUENCE",
          "SERVER",
          "STATISTICS",
          "SUBSCRIPTION",
          "TABLE",
          "TABLESPACE",
          "TEXT SEARCH CONFIGURATION",
          "TEXT SEARCH DICTIONARY",
          "TEXT SEARCH PARSER",
          "TEXT SEARCH TEMPLATE",
          "TRANSFORM",
          "TRIGGER",
          "TYPE",
          "USER MAPPING",
          "VIEW");

  private static final List<String> OTHERS =
      List.of(
          "ALTER DEFAULT PRIVILEGES",
          "ALTER SYSTEM",
          "ANALYZE",
          "BEGIN",
          "CALL",
          "CHECKPOINT",
          "CLOSE CURSOR",
          "CLOSE CURSOR ALL",
          "CLUSTER",
          "COMMENT",
          "COMMIT",
          "COMMIT PREPARED",
          "COPY",
          "CREATE TABLE AS",
          "DEALLOCATE",
          "DEALLOCATE ALL",
          "DECLARE CURSOR",
          "DELETE",
          "DISCARD",
          "DISCARD ALL",
          "DO",
          "DROP OWNED",
          "EXECUTE",
          "EXPLAIN",
          "FETCH",
          "GRANT",
          "IMPORT FOREIGN SCHEMA",
          "INSERT",
          "LISTEN",
          "LOAD",
          "LOCK TABLE",
          "MERGE",
          "MOVE",
          "NOTIFY",
          "PREPARE",
          "PREPARE TRANSACTION",
          "REASSIGN OWNED",
          "REFRESH MATERIALIZED VIEW",
          "REINDEX",
          "RELEASE",
          "RESET",
          "REVOKE",
          "ROLLBACK",
          "ROLLBACK PREPARED",
          "SAVEPOINT",
          "SECURITY LABEL",
          "SELECT",
          "SELECT INTO",
          "SET",
          "SET CONSTRAINTS",
          "SHOW",
          "START TRANSACTION",
          "TRUNCATE",
          "UNLISTEN",
          "UPDATE",
          "VACUUM");

  static final List<String> ALL = all();

  private PostgresCommands() {}

  private static List<String> all() {
    List<String> all = new ArrayList<>(OTHERS);
    for (String object : OBJECTS) {
      all.add("CREATE " + object);
      all.add("ALTER " + object);
      all.add("DROP " + object);
    }
    return List.copyOf(all);
  }

  /** Whether a glob matches any of them. */
  static boolean any(Glob glob) {
    return ALL.stream().anyMatch(glob::matches);
  }
}
