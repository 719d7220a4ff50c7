package dev.chaperone.policy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a rule's {@code when} may name, and of which type it is: the one list that the type check,
 * the evaluation and the documentation go by.
 */
public final class OperationSchema {

  /** The type of a field. */
  public enum Type {
    BOOL,
    INT,
    STRING,
    STRING_LIST,
    TIMESTAMP
  }

  /**
   * The fields of {@code operation.sql}: what {@link Operation.Part#attributes()} may hold for SQL
   * protocols. Integers are {@link Long}s, lists are lists of strings.
   */
  public static final Map<String, Type> SQL =
      Map.of(
          "hasWhere", Type.BOOL,
          "hasLimit", Type.BOOL,
          "hasReturning", Type.BOOL,
          "tables", Type.STRING_LIST,
          "columns", Type.STRING_LIST,
          "statementCount", Type.INT,
          "parameters", Type.INT,
          "unresolved", Type.STRING_LIST);

  /** The fields of {@code session} that {@link Requester#session()} may hold. */
  public static final Map<String, Type> SESSION = Map.of("database", Type.STRING);

  private static final SortedMap<String, Type> FIELDS = fields();

  private OperationSchema() {}

  /** Every name a condition may use, fully qualified, in alphabetical order. */
  public static SortedMap<String, Type> all() {
    return FIELDS;
  }

  private static SortedMap<String, Type> fields() {
    SortedMap<String, Type> fields = new TreeMap<>();
    fields.put("operation.protocol", Type.STRING);
    fields.put("operation.text", Type.STRING);
    fields.put("operation.command", Type.STRING);
    fields.put("operation.effects", Type.STRING_LIST);
    fields.put("operation.resources", Type.STRING_LIST);
    SQL.forEach((name, type) -> fields.put("operation.sql." + name, type));
    fields.put("session.namespace", Type.STRING);
    fields.put("session.connection", Type.STRING);
    SESSION.forEach((name, type) -> fields.put("session." + name, type));
    fields.put("subject.namespace", Type.STRING);
    fields.put("subject.serviceAccount", Type.STRING);
    fields.put("subject.user", Type.STRING);
    fields.put("subject.groups", Type.STRING_LIST);
    fields.put("now", Type.TIMESTAMP);
    return java.util.Collections.unmodifiableSortedMap(fields);
  }

  /** The known name that {@code name} most likely was meant to be, or empty where none is near. */
  static Optional<String> nearest(String name) {
    return Names.nearest(name, new ArrayList<>(FIELDS.keySet()));
  }

  /** The fields that are right below {@code prefix}, for messages. */
  static List<String> below(String prefix) {
    return FIELDS.keySet().stream().filter(f -> f.startsWith(prefix + ".")).toList();
  }
}
