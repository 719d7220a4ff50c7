package dev.chaperone.policy.sql;

import dev.chaperone.policy.Effect;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Which relations and names of pg_catalog need thought. */
final class SystemRelations {

  /** They hold secrets or the server's own configuration: for those who manage privileges. */
  private static final Set<String> SECRETS =
      Set.of(
          "pg_authid",
          "pg_shadow",
          "pg_user_mapping",
          "pg_user_mappings",
          "pg_subscription",
          "pg_hba_file_rules",
          "pg_ident_file_mappings",
          "pg_file_settings");

  /** They hold values from tables, or what other clients' statements say: data like any other. */
  private static final Set<String> DATA =
      Set.of(
          "pg_statistic",
          "pg_statistic_ext_data",
          "pg_stats",
          "pg_stats_ext",
          "pg_stats_ext_exprs",
          "pg_largeobject",
          "pg_stat_activity",
          "pg_prepared_statements",
          "pg_cursors",
          "pg_replication_origin_status");

  /** Types without a function of their name; they too are written before a parenthesis. */
  private static final Set<String> TYPE_NAMES =
      Set.of(
          "json",
          "jsonb",
          "uuid",
          "xml",
          "bytea",
          "bpchar",
          "timestamptz",
          "timetz",
          "varbit",
          "oid",
          "text",
          "name",
          "inet",
          "cidr",
          "macaddr",
          "money",
          "tsvector",
          "tsquery",
          "int2",
          "int4",
          "int8",
          "float4",
          "float8",
          "bool",
          "point",
          "regclass",
          "regtype",
          "regproc",
          "refcursor",
          "decfloat");

  private static final Map<String, String> INTERNAL_NAMES =
      Map.of(
          "int", "int4",
          "integer", "int4",
          "bigint", "int8",
          "smallint", "int2",
          "boolean", "bool",
          "real", "float4",
          "double", "float8",
          "character", "bpchar",
          "char", "bpchar",
          "decimal", "numeric");

  /** They hold samples of what is in tables. */
  private static final Set<String> STATISTICS =
      Set.of(
          "pg_statistic",
          "pg_statistic_ext_data",
          "pg_stats",
          "pg_stats_ext",
          "pg_stats_ext_exprs");

  /** Relations that show what others' statements say, and the column that does. */
  private static final Map<String, String> STATEMENT_TEXTS =
      Map.of(
          "pg_stat_activity", "query",
          "pg_stat_statements", "query",
          "pg_prepared_statements", "statement",
          "pg_cursors", "statement");

  private SystemRelations() {}

  /** Whether a resource holds samples of the values of tables. */
  static boolean isStatistics(String resource) {
    return resource.startsWith("pg_catalog.")
        && STATISTICS.contains(resource.substring("pg_catalog.".length()));
  }

  /** The column of a relation that shows statements; empty where it has none. */
  static String statementText(Relation relation) {
    return STATEMENT_TEXTS.getOrDefault(relation.name(), "");
  }

  /** The effect of reading a relation of the system, or empty where anyone may. */
  static Optional<Effect> effectOfReading(Relation relation) {
    if (!relation.schema().equals("pg_catalog")) {
      return Optional.empty();
    }
    if (SECRETS.contains(relation.name())) {
      return Optional.of(Effect.PRIVILEGE);
    }
    return DATA.contains(relation.name()) ? Optional.of(Effect.READ) : Optional.empty();
  }

  static boolean isTypeName(String name) {
    return TYPE_NAMES.contains(name);
  }

  /** A type's name in pg_type, from how the grammar spells it. */
  static String internalTypeName(String name) {
    return INTERNAL_NAMES.getOrDefault(name, name);
  }
}
