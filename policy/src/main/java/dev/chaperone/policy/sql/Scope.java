package dev.chaperone.policy.sql;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What names mean at one point of a text. Starts as the client's session and follows the session
 * effects of the statements before, since a statement may change what the next one means. Where a
 * change may or may not have happened, both meanings hold.
 */
final class Scope {

  /**
   * What a name may mean.
   *
   * @param resource how rules name it
   * @param relation what the catalog says of it; null for temporary and unknown relations
   * @param known whether its behaviour is known: it is in the catalog, or temporary
   */
  record Meaning(String resource, Relation relation, boolean known) {}

  private final Catalog catalog;
  private final ProtectedColumns protectedColumns;
  private final NamedStatements names;
  private final String role;
  private final List<List<String>> searchPaths;
  private final Set<String> temporary;
  private final Map<String, List<SqlStatement>> prepared = new HashMap<>();
  private final Map<String, List<SqlStatement>> cursors = new HashMap<>();
  private boolean searchPathUnknown;

  Scope(SqlSession session, NamedStatements names) {
    this(
        session.catalog(),
        session.protectedColumns(),
        names,
        session.role(),
        session.searchPaths(),
        session.temporaryRelations());
  }

  private Scope(
      Catalog catalog,
      ProtectedColumns protectedColumns,
      NamedStatements names,
      String role,
      List<List<String>> searchPaths,
      Set<String> temporary) {
    this.catalog = catalog;
    this.protectedColumns = protectedColumns;
    this.names = names;
    this.role = role;
    this.searchPaths = new ArrayList<>(searchPaths);
    this.temporary = new HashSet<>(temporary);
  }

  /** For text in which the server has written every name with its schema. */
  static Scope qualified(Catalog catalog) {
    return new Scope(
        catalog, ProtectedColumns.NONE, NamedStatements.NONE, "", List.of(List.of()), Set.of());
  }

  Catalog catalog() {
    return catalog;
  }

  /** The columns whose values are masked. */
  ProtectedColumns protectedColumns() {
    return protectedColumns;
  }

  String role() {
    return role;
  }

  List<SqlStatement> prepared(String name) {
    return both(names.prepared(name), prepared.get(name));
  }

  List<SqlStatement> cursor(String name) {
    return both(names.cursor(name), cursors.get(name));
  }

  private static List<SqlStatement> both(List<SqlStatement> before, List<SqlStatement> here) {
    if (here == null) {
      return before;
    }
    List<SqlStatement> all = new ArrayList<>(before);
    all.addAll(here);
    return all;
  }

  /** Follows what a statement does to the session. */
  void apply(SessionEffect effect) {
    if (effect instanceof SessionEffect.Prepares e) {
      prepared.computeIfAbsent(e.name(), n -> new ArrayList<>()).add(e.body());
    } else if (effect instanceof SessionEffect.DeclaresCursor e) {
      cursors.computeIfAbsent(e.name(), n -> new ArrayList<>()).add(e.body());
    } else if (effect instanceof SessionEffect.CreatesTemporary e) {
      temporary.add(e.relation());
    } else if (effect instanceof SessionEffect.ChangesSearchPath e) {
      e.candidate().ifPresentOrElse(searchPaths::add, () -> searchPathUnknown = true);
    } else if (effect instanceof SessionEffect.ChangesRole) {
      // "$user" is somebody else, who may use other schemas.
      searchPathUnknown = true;
    }
  }

  /** Whether an unqualified name may mean a temporary relation. */
  boolean isTemporary(String name) {
    return temporary.contains(name);
  }

  static boolean isTemporarySchema(String schema) {
    return schema.equals("pg_temp") || schema.startsWith("pg_temp_");
  }

  /** Everything that {@code schema.name}, or {@code name} alone, may mean; never empty. */
  Set<Meaning> relation(String schema, String name) {
    if (schema != null) {
      if (isTemporarySchema(schema)) {
        return Set.of(temporary(name));
      }
      for (Relation relation : catalog.relations(name)) {
        if (relation.schema().equals(schema)) {
          return Set.of(known(relation));
        }
      }
      return Set.of(unknown(schema, name));
    }
    List<Relation> candidates = catalog.relations(name);
    if (searchPaths.size() == 1 && !searchPathUnknown && !temporary.contains(name)) {
      Relation relation = find(candidates, searchPaths.get(0));
      return Set.of(relation == null ? unknown(creationSchema(), name) : known(relation));
    }
    Set<Meaning> meanings = new LinkedHashSet<>();
    if (temporary.contains(name)) {
      meanings.add(temporary(name));
    }
    if (searchPathUnknown) {
      candidates.forEach(relation -> meanings.add(known(relation)));
    }
    if (searchPaths.size() == 1) {
      Relation relation = find(candidates, searchPaths.get(0));
      if (relation != null) {
        meanings.add(known(relation));
      }
    } else {
      // The server leaves schemas out of a path that the role may not use or that are gone: any
      // of them may be the first.
      for (Relation candidate : candidates) {
        if (searches(candidate.schema())) {
          meanings.add(known(candidate));
        }
      }
    }
    if (meanings.isEmpty()) {
      meanings.add(unknown(creationSchema(), name));
    }
    return meanings;
  }

  private static Relation find(List<Relation> candidates, List<String> path) {
    if (candidates.isEmpty()) {
      return null;
    }
    // pg_catalog comes first unless the path names it elsewhere (namespace.c).
    if (!path.contains("pg_catalog")) {
      Relation relation = in(candidates, "pg_catalog");
      if (relation != null) {
        return relation;
      }
    }
    for (String schema : path) {
      Relation relation = in(candidates, schema);
      if (relation != null) {
        return relation;
      }
    }
    return null;
  }

  private static Relation in(List<Relation> candidates, String schema) {
    for (Relation candidate : candidates) {
      if (candidate.schema().equals(schema)) {
        return candidate;
      }
    }
    return null;
  }

  private static Meaning known(Relation relation) {
    return new Meaning(relation.resource(), relation, true);
  }

  private static Meaning temporary(String name) {
    return new Meaning("pg_temp." + name, null, true);
  }

  private Meaning unknown(String schema, String name) {
    return new Meaning(schema + "." + name, null, catalog.isOpen());
  }

  /** Where an object named without a schema is made: the first schema of the path that exists. */
  String creationSchema() {
    return creationSchema(searchPaths.get(searchPaths.size() - 1));
  }

  /** Where an object of that name may be made. */
  Set<String> creationSchemas(List<String> name) {
    if (name.size() > 1) {
      return Set.of(name.get(name.size() - 2));
    }
    if (searchPaths.size() == 1) {
      return Set.of(creationSchema());
    }
    Set<String> schemas = new LinkedHashSet<>();
    for (List<String> path : searchPaths) {
      schemas.add(creationSchema(path));
      // The server leaves out the ones that the role may not use.
      path.stream().filter(catalog::hasSchema).forEach(schemas::add);
    }
    return schemas;
  }

  private String creationSchema(List<String> path) {
    for (String schema : path) {
      if (catalog.hasSchema(schema) || isTemporarySchema(schema)) {
        return schema;
      }
    }
    return path.isEmpty() ? "public" : path.get(0);
  }

  /** Whether the search path may be any. */
  boolean isSearchPathUnknown() {
    return searchPathUnknown;
  }

  /** Whether an unqualified name may be looked up in this schema. */
  boolean searches(String schema) {
    if (searchPathUnknown || schema.equals("pg_catalog")) {
      return true;
    }
    for (List<String> path : searchPaths) {
      if (path.contains(schema)) {
        return true;
      }
    }
    return false;
  }
}
