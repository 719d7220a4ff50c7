package dev.chaperone.policy.sql;

/**
 * A table, view, sequence or foreign table.
 *
 * @param kind {@code relkind} of pg_class
 */
record Relation(long oid, String schema, String name, char kind) {

  /** How rules name it. */
  String resource() {
    return schema + "." + name;
  }

  /** Whether it belongs to the server itself. */
  boolean isSystem() {
    return schema.equals("pg_catalog") || schema.equals("information_schema");
  }
}
