package dev.chaperone.sidecar.protocol.postgresql;

import java.util.Map;

/** Names of the server's own types; their OIDs never change (catalog/pg_type.dat). */
final class TypeNames {
  private static final Map<Long, String> NAMES =
      Map.ofEntries(
          Map.entry(16L, "boolean"),
          Map.entry(17L, "bytea"),
          Map.entry(18L, "\"char\""),
          Map.entry(19L, "name"),
          Map.entry(20L, "bigint"),
          Map.entry(21L, "smallint"),
          Map.entry(23L, "integer"),
          Map.entry(25L, "text"),
          Map.entry(26L, "oid"),
          Map.entry(114L, "json"),
          Map.entry(142L, "xml"),
          Map.entry(700L, "real"),
          Map.entry(701L, "double precision"),
          Map.entry(1042L, "character"),
          Map.entry(1043L, "character varying"),
          Map.entry(1082L, "date"),
          Map.entry(1083L, "time"),
          Map.entry(1114L, "timestamp"),
          Map.entry(1184L, "timestamp with time zone"),
          Map.entry(1186L, "interval"),
          Map.entry(1266L, "time with time zone"),
          Map.entry(1700L, "numeric"),
          Map.entry(2950L, "uuid"),
          Map.entry(3802L, "jsonb"));

  private TypeNames() {}

  /** The name of a type, or its OID where it has none here. */
  static String of(long oid) {
    return oid == 0 ? "unknown" : NAMES.getOrDefault(oid, "oid " + oid);
  }

  /** Whether the binary form of a value is its text. */
  static boolean isText(long oid) {
    return oid == 0
        || oid == 18
        || oid == 19
        || oid == 25
        || oid == 114
        || oid == 142
        || oid == 1042
        || oid == 1043;
  }
}
