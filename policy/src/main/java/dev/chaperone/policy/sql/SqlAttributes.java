package dev.chaperone.policy.sql;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The facts of a statement that a rule's {@code when} reads as {@code operation.sql}. They are in
 * {@link dev.chaperone.policy.Operation.Part#attributes()} of every SQL statement, under these
 * names and with these types.
 */
public final class SqlAttributes {

  /** What an attribute holds. */
  public enum Type {
    /** {@link Boolean}. */
    BOOL,
    /** {@link Integer}. */
    INT,
    /** {@link String}. */
    STRING,
    /** A {@link java.util.List} of {@link String}. */
    STRING_LIST
  }

  /**
   * Bool. Whether every UPDATE and DELETE in the statement has a WHERE clause of its own; for a
   * statement without either, whether its outermost query has one. WHERE CURRENT OF counts. What
   * the clause says is not judged: {@code WHERE true} is one.
   */
  public static final String HAS_WHERE = "hasWhere";

  /** Bool. Whether the outermost query has LIMIT or FETCH FIRST. */
  public static final String HAS_LIMIT = "hasLimit";

  /** Bool. Whether an INSERT, UPDATE, DELETE or MERGE in the statement has RETURNING. */
  public static final String HAS_RETURNING = "hasReturning";

  /** List of strings. The relations it names, read or written, as {@code schema.name}. */
  public static final String TABLES = "tables";

  /**
   * List of strings. The column names the statement mentions, without their tables; {@code *} where
   * it takes all. Where they are not known (COPY of a table, DDL, what the grammar could not read)
   * a condition that asks for them fails: it does not allow, and it does deny. For queries they are
   * found out when first asked for.
   */
  public static final String COLUMNS = "columns";

  /** Int. How many statements the message has. */
  public static final String STATEMENT_COUNT = "statementCount";

  /** Int. The highest number of a {@code $n} parameter, or 0. */
  public static final String PARAMETERS = "parameters";

  /**
   * List of strings. Relations and functions that the catalog does not know: they do not exist, or
   * the catalog is stale and loading it anew may help.
   */
  public static final String UNRESOLVED = "unresolved";

  /** Every attribute with its type, for type-checking expressions. */
  public static final Map<String, Type> TYPES = types();

  private SqlAttributes() {}

  private static Map<String, Type> types() {
    Map<String, Type> types = new LinkedHashMap<>();
    types.put(HAS_WHERE, Type.BOOL);
    types.put(HAS_LIMIT, Type.BOOL);
    types.put(HAS_RETURNING, Type.BOOL);
    types.put(TABLES, Type.STRING_LIST);
    types.put(COLUMNS, Type.STRING_LIST);
    types.put(STATEMENT_COUNT, Type.INT);
    types.put(PARAMETERS, Type.INT);
    types.put(UNRESOLVED, Type.STRING_LIST);
    return Collections.unmodifiableMap(types);
  }
}
