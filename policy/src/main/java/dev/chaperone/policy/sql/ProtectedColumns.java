package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.ColumnPattern;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskPredicates;
import dev.chaperone.policy.masking.MaskUse;
import dev.chaperone.policy.masking.Masks;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The columns of one target whose values are masked: those that the masks name, and every column
 * that shows them, through views, materialized views, partitions, inheritance and generated
 * columns.
 *
 * <p>A mask binds to a column by the numbers of table and column when it is first resolved; a
 * column or table that is renamed stays masked. What cannot be resolved is denied. Immutable; equal
 * only to itself.
 */
public final class ProtectedColumns {

  /** Nothing is masked. */
  public static final ProtectedColumns NONE =
      new ProtectedColumns(
          Map.of(), Map.of(), Map.of(), Set.of(), Set.of(), Map.of(), Map.of(), Map.of(), Set.of(),
          List.of());

  /**
   * A mask that names no column of this target.
   *
   * @param pattern as the policy names it
   * @param consequence what is denied for it, in a few words
   */
  public record Unresolved(String pattern, String consequence) {}

  /**
   * A protected column, for a reader.
   *
   * @param relation its relation, by number
   * @param number its own number in it
   * @param name {@code schema.table.column}
   * @param mask the strictest of its masks
   * @param patterns the masks that name it, or a column that it shows; none for one that is always
   *     masked: statement texts of others
   * @param shows the columns that masks name and that it shows, itself among them where one names
   *     it
   */
  public record ProtectedColumn(
      long relation,
      int number,
      String name,
      Mask mask,
      List<ColumnPattern> patterns,
      List<String> shows) {
    public ProtectedColumn {
      patterns = List.copyOf(patterns);
      shows = List.copyOf(shows);
    }
  }

  /** A column by number. */
  private record Reference(long relation, int column) {}

  private final Map<ColumnPattern, Set<Reference>> bindings;
  private final Map<Long, Map<Integer, Mask>> masks;

  /** The columns that masks name, of each column that shows them. */
  private final Map<Reference, Set<Reference>> shown;

  /** Those over which expressions may be returned: every mask of them allows it. */
  private final Set<Reference> tainting;

  /** Those that may be compared: every mask of them allows it. */
  private final Set<Reference> comparable;

  private final Map<String, Long> resources;
  private final Map<Long, String> deniedRelations;
  private final Map<String, String> deniedSchemas;
  private final Set<String> ruled;
  private final List<Unresolved> unresolved;

  private ProtectedColumns(
      Map<ColumnPattern, Set<Reference>> bindings,
      Map<Long, Map<Integer, Mask>> masks,
      Map<Reference, Set<Reference>> shown,
      Set<Reference> tainting,
      Set<Reference> comparable,
      Map<String, Long> resources,
      Map<Long, String> deniedRelations,
      Map<String, String> deniedSchemas,
      Set<String> ruled,
      List<Unresolved> unresolved) {
    this.bindings = bindings;
    this.masks = masks;
    this.shown = shown;
    this.tainting = tainting;
    this.comparable = comparable;
    this.resources = resources;
    this.deniedRelations = deniedRelations;
    this.deniedSchemas = deniedSchemas;
    this.ruled = ruled;
    this.unresolved = unresolved;
  }

  /**
   * Finds the columns that masks name in a catalog.
   *
   * @param previous what the same masks were bound to before; {@link #NONE} for nothing
   */
  public static ProtectedColumns resolve(Masks masks, Catalog catalog, ProtectedColumns previous) {
    if (masks.columns().isEmpty()) {
      return NONE;
    }
    return new Resolution(masks, catalog, previous).resolve();
  }

  /** Whether no column is masked and nothing denied. */
  public boolean isEmpty() {
    return masks.isEmpty() && deniedRelations.isEmpty() && deniedSchemas.isEmpty();
  }

  /** Whether a relation has masked columns. */
  public boolean protects(long relationOid) {
    return masks.containsKey(relationOid);
  }

  /** The mask of a column, or null where it has none. */
  public Mask mask(long relationOid, int column) {
    Map<Integer, Mask> columns = masks.get(relationOid);
    return columns == null ? null : columns.get(column);
  }

  /** What may be done with a masked column: what every mask of it allows. */
  MaskUse use(long relationOid, int column) {
    return !tainting.isEmpty() && tainting.contains(new Reference(relationOid, column))
        ? MaskUse.TAINT
        : MaskUse.STRICT;
  }

  /** Whether expressions over any masked column may be returned. */
  boolean hasTainting() {
    return !tainting.isEmpty();
  }

  /** Whether a masked column may be compared: every mask of it allows it. */
  MaskPredicates predicates(long relationOid, int column) {
    return !comparable.isEmpty() && comparable.contains(new Reference(relationOid, column))
        ? MaskPredicates.ALLOW
        : MaskPredicates.REFUSE;
  }

  /** Whether what is done with a masked column may call functions or operators. */
  boolean hasCalling() {
    return !tainting.isEmpty() || !comparable.isEmpty();
  }

  /** Whether the relation of that name, {@code schema.table}, has masked columns. */
  public boolean protects(String resource) {
    return resources.containsKey(resource);
  }

  /**
   * The masked columns of a relation, by name, for a reader.
   *
   * @param resource {@code schema.table}
   * @param catalog the one they were resolved in
   */
  public Map<String, Mask> columns(String resource, Catalog catalog) {
    Long oid = resources.get(resource);
    Relation relation = oid == null ? null : catalog.relation(oid);
    Map<String, Mask> columns = new TreeMap<>();
    for (Catalog.Column column :
        relation == null ? List.<Catalog.Column>of() : catalog.columns(relation)) {
      Mask mask = mask(oid, column.number());
      if (mask != null) {
        columns.put(column.name(), mask);
      }
    }
    return columns;
  }

  /**
   * All protected columns with the masks that bind to them, ordered by name.
   *
   * @param catalog the one they were resolved in
   */
  public List<ProtectedColumn> all(Catalog catalog) {
    Map<Reference, List<ColumnPattern>> patterns = new HashMap<>();
    for (Map.Entry<ColumnPattern, Set<Reference>> bound : bindings.entrySet()) {
      for (Reference column : bound.getValue()) {
        patterns.computeIfAbsent(column, any -> new ArrayList<>()).add(bound.getKey());
      }
    }
    List<ProtectedColumn> all = new ArrayList<>();
    for (Map.Entry<Long, Map<Integer, Mask>> relation : masks.entrySet()) {
      for (Map.Entry<Integer, Mask> column : relation.getValue().entrySet()) {
        Reference reference = new Reference(relation.getKey(), column.getKey());
        Set<Reference> bases = shown.getOrDefault(reference, Set.of());
        all.add(
            new ProtectedColumn(
                reference.relation(),
                reference.column(),
                name(reference, catalog),
                column.getValue(),
                bases.stream()
                    .flatMap(base -> patterns.getOrDefault(base, List.of()).stream())
                    .distinct()
                    .sorted(Comparator.comparing(ColumnPattern::toString))
                    .toList(),
                bases.stream().map(base -> name(base, catalog)).sorted().distinct().toList()));
      }
    }
    all.sort(
        Comparator.comparing(ProtectedColumn::name)
            .thenComparing(ProtectedColumn::relation)
            .thenComparing(ProtectedColumn::number));
    return all;
  }

  private static String name(Reference reference, Catalog catalog) {
    return catalog.columnName(reference.relation(), reference.column());
  }

  /** Masks that name no column of this target. */
  public List<Unresolved> unresolved() {
    return unresolved;
  }

  /** Whether a statement that names this resource needs a closer look. */
  boolean concerns(String resource) {
    if (resources.containsKey(resource)) {
      return true;
    }
    int dot = resource.indexOf('.');
    return dot > 0 && deniedSchemas.containsKey(resource.substring(0, dot));
  }

  /** Whether a write to the relation of that name sets off a rule that names masked tables. */
  boolean isRuled(String resource) {
    return ruled.contains(resource);
  }

  /** Why the relation of that name must not be used at all, or empty. */
  Optional<String> denied(String resource) {
    Long oid = resources.get(resource);
    if (oid != null && deniedRelations.containsKey(oid)) {
      return Optional.of(deniedRelations.get(oid));
    }
    int dot = resource.indexOf('.');
    return dot > 0
        ? Optional.ofNullable(deniedSchemas.get(resource.substring(0, dot)))
        : Optional.empty();
  }

  /** The strictest mask of the columns of the relation of that name; null where it has none. */
  Mask strictest(String resource) {
    Long oid = resources.get(resource);
    return oid == null
        ? null
        : masks.getOrDefault(oid, Map.of()).values().stream().reduce(Mask::and).orElse(null);
  }

  /** One resolution in the making. */
  private static final class Resolution {
    private final Masks masks;
    private final Catalog catalog;
    private final ProtectedColumns previous;
    private final Map<ColumnPattern, Set<Reference>> bindings = new LinkedHashMap<>();
    private final Map<Long, Map<Integer, Mask>> found = new HashMap<>();
    private final Map<Reference, Set<Reference>> shown = new HashMap<>();
    private final Set<Reference> strict = new HashSet<>();
    private final Set<Reference> incomparable = new HashSet<>();
    private final Map<Long, String> deniedRelations = new HashMap<>();
    private final Map<String, String> deniedSchemas = new HashMap<>();
    private final List<Unresolved> unresolved = new ArrayList<>();

    Resolution(Masks masks, Catalog catalog, ProtectedColumns previous) {
      this.masks = masks;
      this.catalog = catalog;
      this.previous = previous;
    }

    ProtectedColumns resolve() {
      for (Masks.ColumnMask mask : masks.columns()) {
        bind(mask);
      }
      statementTexts();
      spread();
      denyViews();
      Map<String, Long> resources = new HashMap<>();
      for (Long oid : found.keySet()) {
        resources.put(catalog.relation(oid).resource(), oid);
      }
      for (Long oid : deniedRelations.keySet()) {
        resources.put(catalog.relation(oid).resource(), oid);
      }
      return new ProtectedColumns(
          bindings,
          found,
          shown,
          without(strict),
          without(incomparable),
          resources,
          deniedRelations,
          deniedSchemas,
          ruled(),
          List.copyOf(unresolved));
    }

    private Set<Reference> without(Set<Reference> some) {
      Set<Reference> others = new HashSet<>(shown.keySet());
      others.removeAll(some);
      return others;
    }

    private void bind(Masks.ColumnMask mask) {
      ColumnPattern pattern = mask.pattern();
      Set<Reference> columns = bindings.computeIfAbsent(pattern, p -> new HashSet<>());
      List<Relation> tables = new ArrayList<>();
      for (Relation relation : catalog.allRelations()) {
        if (!relation.isSystem()
            && relation.kind() != 'S'
            && pattern.matchesTable(relation.schema(), relation.name())) {
          tables.add(relation);
          for (Catalog.Column column : catalog.columns(relation)) {
            if (pattern.matchesColumn(column.name())) {
              columns.add(new Reference(relation.oid(), column.number()));
            }
          }
        }
      }
      for (Reference bound : previous.bindings.getOrDefault(pattern, Set.of())) {
        if (has(bound)) {
          columns.add(bound);
        }
      }
      for (Reference column : columns) {
        protect(
            column.relation(),
            column.column(),
            mask.with(),
            mask.use(),
            mask.predicates(),
            Set.of(column));
      }
      if (columns.isEmpty()) {
        deny(pattern, tables);
      }
    }

    private boolean has(Reference column) {
      Relation relation = catalog.relation(column.relation());
      return relation != null
          && catalog.columns(relation).stream().anyMatch(c -> c.number() == column.column());
    }

    private void deny(ColumnPattern pattern, List<Relation> tables) {
      if (catalog.isOpen()) {
        unresolved.add(new Unresolved(pattern.toString(), "nothing is known of the target"));
      } else if (pattern.isForAnyTable()) {
        unresolved.add(new Unresolved(pattern.toString(), "nothing is denied for it"));
      } else if (!tables.isEmpty()) {
        for (Relation table : tables) {
          deniedRelations.put(
              table.oid(), "the mask " + pattern + " names no column of " + table.resource());
        }
        unresolved.add(new Unresolved(pattern.toString(), "its tables are denied"));
      } else if (pattern.schema().isPresent()) {
        String schema = pattern.schema().get();
        deniedSchemas.put(schema, "the mask " + pattern + " names no table of this database");
        unresolved.add(new Unresolved(pattern.toString(), "schema " + schema + " is denied"));
      } else {
        unresolved.add(new Unresolved(pattern.toString(), "nothing is denied for it"));
      }
    }

    /** Relations with rules that may answer a write with rows of masked tables. */
    private Set<String> ruled() {
      Set<String> ruled = new HashSet<>();
      for (Map.Entry<Long, List<String>> rules : catalog.rules().entrySet()) {
        Relation relation = catalog.relation(rules.getKey());
        for (String rule : rules.getValue()) {
          for (Long oid : found.keySet()) {
            if (relation != null
                && ViewLineage.actionNames(rule, catalog.relation(oid).name(), catalog)) {
              ruled.add(relation.resource());
            }
          }
        }
      }
      return ruled;
    }

    /** Views of what is denied are denied too. */
    private void denyViews() {
      if (deniedRelations.isEmpty() && deniedSchemas.isEmpty()) {
        return;
      }
      boolean changed = true;
      while (changed) {
        changed = false;
        for (Map.Entry<Long, String> view : catalog.viewDefinitions().entrySet()) {
          if (deniedRelations.containsKey(view.getKey())
              || catalog.relation(view.getKey()) == null) {
            continue;
          }
          for (String named : ViewLineage.relations(view.getValue(), catalog)) {
            String reason = reason(named);
            if (reason != null) {
              deniedRelations.put(view.getKey(), reason);
              changed = true;
            }
          }
        }
      }
    }

    private String reason(String resource) {
      for (Map.Entry<Long, String> denied : deniedRelations.entrySet()) {
        if (catalog.relation(denied.getKey()).resource().equals(resource)) {
          return denied.getValue();
        }
      }
      int dot = resource.indexOf('.');
      return dot < 0 ? null : deniedSchemas.get(resource.substring(0, dot));
    }

    /**
     * Protects a column.
     *
     * @param use what may be done with it; the stricter one of all calls holds
     * @param predicates whether it may be compared; likewise
     * @param bases the columns that masks name and that it shows
     * @return whether that changes anything
     */
    private boolean protect(
        long relation,
        int column,
        Mask mask,
        MaskUse use,
        MaskPredicates predicates,
        Set<Reference> bases) {
      Map<Integer, Mask> columns = found.computeIfAbsent(relation, oid -> new TreeMap<>());
      Mask before = columns.get(column);
      Mask after = before == null ? mask : before.and(mask);
      columns.put(column, after);
      boolean more =
          shown
              .computeIfAbsent(new Reference(relation, column), any -> new HashSet<>())
              .addAll(bases);
      if (use == MaskUse.STRICT) {
        more |= strict.add(new Reference(relation, column));
      }
      if (predicates == MaskPredicates.REFUSE) {
        more |= incomparable.add(new Reference(relation, column));
      }
      return after != before || more;
    }

    private Set<Reference> bases(long relation, int column) {
      return Set.copyOf(shown.getOrDefault(new Reference(relation, column), Set.of()));
    }

    /** What others' statements say may hold values that are masked. */
    private void statementTexts() {
      for (Relation relation : catalog.allRelations()) {
        String text = SystemRelations.statementText(relation);
        for (Catalog.Column column :
            text.isEmpty() ? List.<Catalog.Column>of() : catalog.columns(relation)) {
          if (column.name().equals(text)) {
            protect(
                relation.oid(),
                column.number(),
                Mask.REDACT,
                MaskUse.STRICT,
                MaskPredicates.REFUSE,
                Set.of());
          }
        }
      }
    }

    /** Protects what shows protected columns, until nothing is added. */
    private void spread() {
      boolean changed = true;
      while (changed) {
        changed = false;
        for (Relation relation : catalog.allRelations()) {
          for (Relation ancestor : catalog.ancestors(relation)) {
            changed |= spread(ancestor, relation);
            changed |= spread(relation, ancestor);
          }
        }
        for (Catalog.Generated generated : catalog.generatedColumns()) {
          changed |= spread(generated);
        }
        ProtectedColumns soFar =
            new ProtectedColumns(
                Map.of(),
                found,
                Map.of(),
                Set.of(),
                Set.of(),
                resources(),
                Map.of(),
                Map.of(),
                Set.of(),
                List.of());
        for (Map.Entry<Long, String> view : catalog.viewDefinitions().entrySet()) {
          for (Map.Entry<Integer, ViewLineage.Shown> column :
              ViewLineage.of(view.getKey(), view.getValue(), catalog, soFar).entrySet()) {
            changed |=
                protect(
                    view.getKey(),
                    column.getKey(),
                    column.getValue().mask(),
                    MaskUse.STRICT,
                    MaskPredicates.REFUSE,
                    bases(column.getValue(), view.getValue()));
          }
        }
      }
    }

    /** What a view's column shows; all that its definition names where that is not known. */
    private Set<Reference> bases(ViewLineage.Shown column, String definition) {
      Set<Reference> bases = new HashSet<>();
      for (Lineage from : column.from()) {
        bases.addAll(bases(from.relation(), from.number()));
      }
      if (column.from().isEmpty()) {
        Set<String> named = ViewLineage.relations(definition, catalog);
        for (Map.Entry<Reference, Set<Reference>> each : shown.entrySet()) {
          if (named.contains(catalog.relation(each.getKey().relation()).resource())) {
            bases.addAll(each.getValue());
          }
        }
      }
      return bases;
    }

    private Map<String, Long> resources() {
      Map<String, Long> resources = new HashMap<>();
      found.keySet().forEach(oid -> resources.put(catalog.relation(oid).resource(), oid));
      return resources;
    }

    /** Partitions and children share columns with their ancestors, by name. */
    private boolean spread(Relation from, Relation to) {
      Map<Integer, Mask> columns = found.get(from.oid());
      if (columns == null) {
        return false;
      }
      boolean changed = false;
      for (Catalog.Column column : catalog.columns(from)) {
        Mask mask = columns.get(column.number());
        for (Catalog.Column other :
            mask == null ? List.<Catalog.Column>of() : catalog.columns(to)) {
          if (other.name().equals(column.name())) {
            Reference source = new Reference(from.oid(), column.number());
            changed |=
                protect(
                    to.oid(),
                    other.number(),
                    mask,
                    strict.contains(source) ? MaskUse.STRICT : MaskUse.TAINT,
                    incomparable.contains(source) ? MaskPredicates.REFUSE : MaskPredicates.ALLOW,
                    bases(from.oid(), column.number()));
          }
        }
      }
      return changed;
    }

    private boolean spread(Catalog.Generated generated) {
      Map<Integer, Mask> columns = found.get(generated.relation());
      if (columns == null) {
        return false;
      }
      Relation relation = catalog.relation(generated.relation());
      Mask mask = null;
      Set<Reference> bases = new HashSet<>();
      for (Catalog.Column column : catalog.columns(relation)) {
        Mask source = columns.get(column.number());
        if (source != null && ViewLineage.names(generated.expression(), column.name(), catalog)) {
          mask = mask == null ? source : mask.and(source);
          bases.addAll(bases(generated.relation(), column.number()));
        }
      }
      return mask != null
          && protect(
              generated.relation(),
              generated.column(),
              mask,
              MaskUse.STRICT,
              MaskPredicates.REFUSE,
              bases);
    }
  }
}
