package dev.chaperone.policy.sql;

import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * What the meaning of a statement depends on besides its text: how names resolve at this moment for
 * this client.
 *
 * <p>Immutable and compared by value: two clients in the same situation share cached decisions.
 *
 * @param catalog the target's catalog
 * @param role the current role
 * @param searchPaths every search path that may be in force when the statement runs: one in the
 *     normal case, more while a change is in flight. Schemas as {@code current_schemas(false)}
 *     names them: {@code "$user"} already replaced, {@code pg_catalog} and {@code pg_temp} only
 *     where spelled out
 * @param temporaryRelations relations this client may have created in {@code pg_temp}
 * @param protectedColumns the columns whose values this client sees masked
 */
public record SqlSession(
    Catalog catalog,
    String role,
    List<List<String>> searchPaths,
    Set<String> temporaryRelations,
    ProtectedColumns protectedColumns) {
  public SqlSession {
    Objects.requireNonNull(catalog, "catalog");
    Objects.requireNonNull(role, "role");
    searchPaths = searchPaths.stream().map(List::copyOf).toList();
    temporaryRelations = Set.copyOf(temporaryRelations);
    Objects.requireNonNull(protectedColumns, "protectedColumns");
  }

  /** A session in which nothing is masked. */
  public SqlSession(
      Catalog catalog,
      String role,
      List<List<String>> searchPaths,
      Set<String> temporaryRelations) {
    this(catalog, role, searchPaths, temporaryRelations, ProtectedColumns.NONE);
  }
}
