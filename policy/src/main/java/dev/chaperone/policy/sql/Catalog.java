package dev.chaperone.policy.sql;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Effect;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the analysis has to know of a target: its relations, and everything that can make a harmless
 * looking statement run code (functions, operators, casts, domains, views, row security).
 *
 * <p>Immutable. Two catalogs are equal only if they are the same object: a decision that was made
 * under one is not reused under another.
 */
public final class Catalog {

  /** A function of the database's users or of an extension. */
  record UserFunction(String schema, boolean harmless, boolean attribute) {}

  /** An operator of the database's users or of an extension; only those not harmless are kept. */
  record UserOperator(String schema, String name) {
    String resource() {
      return schema + ".operator(" + name + ")";
    }
  }

  /** A cast that runs a function which is not known to be harmless. */
  record UserCast(
      String source,
      String target,
      String function,
      boolean implicit,
      boolean ofBuiltIn,
      boolean toBuiltIn) {}

  /**
   * A column of a relation, by its number and name.
   *
   * @param type the number of its type; 0 where it is not known
   */
  record Column(int number, String name, long type) {}

  /** A generated column and what it is generated from. */
  record Generated(long relation, int column, String expression) {}

  private final int serverVersionNum;
  private final String fingerprint;
  private final boolean open;
  private final Set<String> schemas;
  private final Map<String, List<Relation>> relations;
  private final Map<String, Boolean> builtinFunctions;
  private final Map<String, List<UserFunction>> userFunctions;
  private final Map<String, List<UserOperator>> operators;
  private final Map<String, String> checkedDomains;
  private final Map<Long, List<String>> domainHolders;
  private final List<UserCast> casts;
  private final Map<Long, List<String>> columnTypes;
  private final Map<String, List<String>> typeParts;
  private final Map<Long, List<Relation>> ancestors;
  private final Map<Long, List<Access>> hidden;
  private final Set<Long> settingsViews;
  private final Map<Long, Relation> relationsByOid;
  private final Map<Long, List<Column>> columns;
  private final Map<Long, String> viewDefinitions;
  private final List<Generated> generated;
  private final Set<Long> textTypes;
  private final Map<Long, List<String>> rules;

  private Catalog(Builder from) {
    this.serverVersionNum = from.serverVersionNum;
    this.fingerprint = from.fingerprint;
    this.open = from.open;
    this.schemas = Set.copyOf(from.schemas);
    this.relations = copy(from.relations);
    this.builtinFunctions = Map.copyOf(from.builtinFunctions);
    this.userFunctions = copy(from.userFunctions);
    this.operators = copy(from.operators);
    this.checkedDomains = Map.copyOf(from.checkedDomains);
    this.domainHolders = copy(from.domainHolders);
    this.casts = List.copyOf(from.casts);
    this.columnTypes = copy(from.specialOf(from.columnTypes));
    this.typeParts = copy(from.specialOf(from.typeParts));
    this.ancestors = copy(from.resolvedAncestors());
    this.hidden = copy(from.hidden);
    this.settingsViews = Set.copyOf(from.settingsViews);
    this.relationsByOid = Map.copyOf(from.relationsByOid);
    this.columns = copy(from.columns);
    this.viewDefinitions = Map.copyOf(from.viewDefinitions);
    this.generated = List.copyOf(from.generated);
    this.textTypes = Set.copyOf(from.textTypes);
    this.rules = copy(from.rules);
  }

  private static <K, V> Map<K, List<V>> copy(Map<K, List<V>> map) {
    Map<K, List<V>> copy = new HashMap<>(map.size() * 2);
    map.forEach((key, list) -> copy.put(key, List.copyOf(list)));
    return copy;
  }

  /** A builder for the catalog of one target. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The built-in objects of PostgreSQL 15 and an empty schema {@code public}, for commands that
   * have no target at hand.
   */
  public static Catalog builtIn() {
    return BuiltIn.CATALOG;
  }

  private static final class BuiltIn {
    static final Catalog CATALOG = load();

    private static Catalog load() {
      try (InputStream in = Catalog.class.getResourceAsStream("postgresql-15.catalog")) {
        if (in == null) {
          throw new IllegalStateException("postgresql-15.catalog is missing");
        }
        return read(new InputStreamReader(in, StandardCharsets.UTF_8));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** The version as {@code server_version_num} says it, such as 150004. */
  public int serverVersionNum() {
    return serverVersionNum;
  }

  /** The result of {@link CatalogQuery#FINGERPRINT} when this was loaded; empty if unknown. */
  public String fingerprint() {
    return fingerprint;
  }

  /**
   * Whether relations it does not know are taken for plain tables, since it was not loaded from a
   * target.
   */
  public boolean isOpen() {
    return open;
  }

  /**
   * Whether reading a value of a type runs a check, or using it may run a cast, that is not known
   * to be harmless.
   *
   * @param typeOid as the target numbers its types
   */
  public boolean runsChecks(long typeOid) {
    return domainHolders.getOrDefault(typeOid, List.of()).stream()
        .anyMatch(
            name ->
                checkedDomains.containsKey(name)
                    || casts.stream().anyMatch(cast -> cast.source().equals(name)));
  }

  /** Whether there is such a schema. */
  public boolean hasSchema(String schema) {
    return schemas.contains(schema);
  }

  /** Relations of that name in any schema. */
  List<Relation> relations(String name) {
    return relations.getOrDefault(name, List.of());
  }

  /** All relations. */
  Collection<Relation> allRelations() {
    return relationsByOid.values();
  }

  /** The relation of that number, or null. */
  Relation relation(long oid) {
    return relationsByOid.get(oid);
  }

  /** The columns of a relation in their order; empty where they are not known. */
  List<Column> columns(Relation relation) {
    return columns.getOrDefault(relation.oid(), List.of());
  }

  /**
   * How a column is named for a reader, as {@code schema.table.column}; by its numbers where it is
   * not known.
   */
  public String columnName(long relation, int number) {
    Relation known = relation(relation);
    if (known == null) {
      return "table " + relation + ", column " + number;
    }
    for (Column column : columns(known)) {
      if (column.number() == number) {
        return known.resource() + "." + column.name();
      }
    }
    return known.resource() + ", column " + number;
  }

  /**
   * Whether a relation is known by these names.
   *
   * @param column one that it has; empty for the relation alone
   */
  public boolean knows(String schema, String table, String column) {
    return relations(table).stream()
        .filter(relation -> relation.schema().equals(schema))
        .anyMatch(
            relation ->
                column.isEmpty()
                    || columns(relation).stream().anyMatch(one -> one.name().equals(column)));
  }

  /** Views and materialized views with their definitions, by number. */
  Map<Long, String> viewDefinitions() {
    return viewDefinitions;
  }

  /** Rules on writes, by the relation that is written to. */
  Map<Long, List<String>> rules() {
    return rules;
  }

  List<Generated> generatedColumns() {
    return generated;
  }

  /**
   * Whether a type of users or extensions is text, in either format.
   *
   * @param typeOid as the target numbers its types
   */
  public boolean isTextType(long typeOid) {
    return textTypes.contains(typeOid);
  }

  /** The tables that hold the rows of this one too: partitioned tables and parents. */
  List<Relation> ancestors(Relation relation) {
    return ancestors.getOrDefault(relation.oid(), List.of());
  }

  /** What reading a relation does besides: its view definition and row security run functions. */
  List<Access> hidden(Relation relation) {
    return hidden.getOrDefault(relation.oid(), List.of());
  }

  /** Whether a write to this view may change a setting. */
  boolean isSettingsView(Relation relation) {
    return settingsViews.contains(relation.oid())
        || (relation.name().equals("pg_settings") && relation.schema().equals("pg_catalog"));
  }

  /** Whether a built-in function of that name is volatile; null where there is none. */
  Boolean builtinFunction(String name) {
    return builtinFunctions.get(name);
  }

  List<UserFunction> userFunctions(String name) {
    return userFunctions.getOrDefault(name, List.of());
  }

  List<UserOperator> operators(String name) {
    return operators.isEmpty() ? List.of() : operators.getOrDefault(name, List.of());
  }

  boolean hasOperators() {
    return !operators.isEmpty();
  }

  /** The schema of a domain whose check runs a function not known to be harmless, or null. */
  String checkedDomain(String type) {
    return checkedDomains.get(type);
  }

  boolean hasCheckedDomains() {
    return !checkedDomains.isEmpty();
  }

  List<UserCast> casts() {
    return casts;
  }

  /** The types of a relation's columns that matter to casts or domains. */
  List<String> columnTypes(Relation relation) {
    return columnTypes.getOrDefault(relation.oid(), List.of());
  }

  /**
   * Whether values of a type are, or hold, values of another one that matters to casts or domains.
   */
  boolean holds(String type, String part) {
    return type.equals(part) || typeParts.getOrDefault(type, List.of()).contains(part);
  }

  /** Whether values of a type that matters to domains hold values of another one. */
  boolean isContainer(String type) {
    return typeParts.containsKey(type);
  }

  /** Writes the catalog in the form that {@link #read} reads: tab-separated lines of text. */
  public void write(Writer writer) throws IOException {
    new CatalogText.Out(writer).write(this);
  }

  /**
   * Reads what {@link #write} has written.
   *
   * @throws IOException also where the text has another form
   */
  public static Catalog read(Reader reader) throws IOException {
    Builder builder = new Builder();
    CatalogText.read(reader, builder);
    return new Catalog(builder);
  }

  /** The parts of a catalog as {@link CatalogText} writes them. */
  interface Sink {
    void line(String kind, Object... fields) throws IOException;
  }

  void describe(Sink sink) throws IOException {
    sink.line("version", serverVersionNum);
    sink.line("fingerprint", fingerprint);
    if (open) {
      sink.line("open");
    }
    for (String schema : sorted(schemas)) {
      sink.line("schema", schema);
    }
    for (String name : sorted(relations.keySet())) {
      for (Relation r : relations.get(name)) {
        sink.line("relation", r.oid(), r.schema(), r.name(), r.kind());
      }
    }
    for (Long child : sorted(ancestors.keySet())) {
      for (Relation parent : ancestors.get(child)) {
        sink.line("ancestor", child, parent.oid());
      }
    }
    for (String name : sorted(builtinFunctions.keySet())) {
      sink.line("builtin", name, builtinFunctions.get(name));
    }
    for (String name : sorted(userFunctions.keySet())) {
      for (UserFunction f : userFunctions.get(name)) {
        sink.line("function", f.schema(), name, f.harmless(), f.attribute());
      }
    }
    for (String name : sorted(operators.keySet())) {
      for (UserOperator operator : operators.get(name)) {
        sink.line("operator", operator.schema(), name);
      }
    }
    for (String name : sorted(checkedDomains.keySet())) {
      sink.line("domain", checkedDomains.get(name), name);
    }
    for (Long oid : sorted(domainHolders.keySet())) {
      for (String domain : domainHolders.get(oid)) {
        sink.line("domainholder", oid, domain);
      }
    }
    for (UserCast cast : casts) {
      sink.line(
          "cast",
          cast.source(),
          cast.target(),
          cast.function(),
          cast.implicit(),
          cast.ofBuiltIn(),
          cast.toBuiltIn());
    }
    for (Long oid : sorted(columnTypes.keySet())) {
      for (String type : columnTypes.get(oid)) {
        sink.line("columntype", oid, type);
      }
    }
    for (String type : sorted(typeParts.keySet())) {
      for (String part : typeParts.get(type)) {
        sink.line("typepart", type, part);
      }
    }
    for (Long oid : sorted(hidden.keySet())) {
      for (Access access : hidden.get(oid)) {
        sink.line("hidden", oid, access.effect().name(), access.command(), access.resource());
      }
    }
    for (Long oid : sorted(settingsViews)) {
      sink.line("settingsview", oid);
    }
    for (Long oid : sorted(columns.keySet())) {
      for (Column column : columns.get(oid)) {
        sink.line("column", oid, column.number(), column.name(), column.type());
      }
    }
    for (Generated column : generated) {
      sink.line("generated", column.relation(), column.column(), column.expression());
    }
    for (Long oid : sorted(viewDefinitions.keySet())) {
      sink.line("view", oid, viewDefinitions.get(oid));
    }
    for (Long oid : sorted(rules.keySet())) {
      for (String rule : rules.get(oid)) {
        sink.line("rule", oid, rule);
      }
    }
    for (Long oid : sorted(textTypes)) {
      sink.line("texttype", oid);
    }
  }

  private static <T extends Comparable<T>> List<T> sorted(Set<T> set) {
    return set.stream().sorted().toList();
  }

  /** Collects the rows of the {@link CatalogQuery queries}. Not thread-safe. */
  public static final class Builder {
    private int serverVersionNum;
    private String fingerprint = "";
    private boolean open;
    private final Set<String> schemas = new HashSet<>();
    private final Map<String, List<Relation>> relations = new HashMap<>();
    private final Map<Long, Relation> relationsByOid = new HashMap<>();
    private final Map<Long, List<Long>> ancestorOids = new HashMap<>();
    private final Map<String, Boolean> builtinFunctions = new HashMap<>();
    private final Map<String, List<UserFunction>> userFunctions = new HashMap<>();
    private final Map<String, List<UserOperator>> operators = new HashMap<>();
    private final Map<String, String> checkedDomains = new HashMap<>();
    private final Map<Long, List<String>> domainHolders = new HashMap<>();
    private final List<UserCast> casts = new ArrayList<>();
    private final Map<Long, List<String>> columnTypes = new HashMap<>();
    private final Map<String, List<String>> typeParts = new HashMap<>();
    private final Map<Long, List<Access>> hidden = new HashMap<>();
    private final Set<Long> settingsViews = new HashSet<>();
    private final Map<Long, List<Column>> columns = new HashMap<>();
    private final Map<Long, String> viewDefinitions = new HashMap<>();
    private final List<Generated> generated = new ArrayList<>();
    private final Set<Long> textTypes = new HashSet<>();
    private final Map<Long, List<String>> rules = new HashMap<>();

    private record Expression(long relation, String text, boolean isQuery) {}

    private record DomainCheck(String schema, String name, String text) {}

    private record Planned(long relation, String expression) {}

    private record Comparison(String type, Access access) {}

    private final List<Expression> expressions = new ArrayList<>();
    private final List<Planned> plannedExpressions = new ArrayList<>();
    private final List<Comparison> comparisons = new ArrayList<>();
    private final List<DomainCheck> domainChecks = new ArrayList<>();
    private final Map<CatalogQuery, Integer> rows = new EnumMap<>(CatalogQuery.class);
    private final Map<String, String> names = new HashMap<>();

    private Builder() {}

    /**
     * Takes one row of a query's result.
     *
     * @param row the values in text format; null stands for NULL
     */
    public Builder row(CatalogQuery query, List<String> row) {
      rows.merge(query, 1, Integer::sum);
      switch (query) {
        case FINGERPRINT -> fingerprint = row.get(0) == null ? "" : row.get(0);
        case WITHOUT_COMPILING, EMPTY_SEARCH_PATH -> {}
        case VERSION -> serverVersionNum = Integer.parseInt(row.get(0));
        case SCHEMAS -> schemas.add(name(row.get(0)));
        case RELATIONS ->
            relation(Long.parseLong(row.get(0)), row.get(1), row.get(2), row.get(3).charAt(0));
        case ANCESTORS -> ancestor(Long.parseLong(row.get(0)), Long.parseLong(row.get(1)));
        case BUILTIN_FUNCTIONS -> builtin(row.get(0), isTrue(row.get(1)));
        case USER_FUNCTIONS ->
            function(
                row.get(0),
                row.get(1),
                FunctionRules.isHarmless(row.get(3), isTrue(row.get(2))),
                isTrue(row.get(4)));
        case OPERATORS -> {
          if (!FunctionRules.isHarmless(row.get(3), isTrue(row.get(2)))) {
            operator(row.get(0), row.get(1));
          }
        }
        case DOMAINS ->
            domainChecks.add(new DomainCheck(name(row.get(0)), name(row.get(1)), row.get(2)));
        case DOMAIN_HOLDERS -> domainHolder(Long.parseLong(row.get(0)), row.get(1));
        case CASTS -> {
          if (!FunctionRules.isHarmless(row.get(5), isTrue(row.get(4)))) {
            cast(
                row.get(0),
                row.get(1),
                row.get(2) + "." + row.get(3) + "()",
                isTrue(row.get(6)),
                isTrue(row.get(7)),
                isTrue(row.get(8)));
          }
        }
        case TYPE_PARTS -> typePart(row.get(0), row.get(1));
        case COMPARISONS -> {
          if (!FunctionRules.isHarmless(row.get(5), isTrue(row.get(4)))) {
            domain(row.get(0), row.get(1));
            comparisons.add(new Comparison(name(row.get(1)), call(row.get(2), row.get(3))));
          }
        }
        case PARTITION_SUPPORT -> {
          if (!FunctionRules.isHarmless(row.get(4), isTrue(row.get(3)))) {
            hidden(Long.parseLong(row.get(0)), call(row.get(1), row.get(2)));
          }
        }
        case FOREIGN_PROGRAMS ->
            hidden(
                Long.parseLong(row.get(0)), new Access(Effect.EXECUTE, "SELECT", "server/program"));
        case PLANNED_EXPRESSIONS ->
            plannedExpressions.add(new Planned(Long.parseLong(row.get(0)), row.get(1)));
        case COLUMN_TYPES -> columnType(Long.parseLong(row.get(0)), row.get(1));
        case COLUMNS ->
            column(
                Long.parseLong(row.get(0)),
                Integer.parseInt(row.get(1)),
                row.get(2),
                Long.parseLong(row.get(3)));
        case GENERATED_COLUMNS ->
            generated(Long.parseLong(row.get(0)), Integer.parseInt(row.get(1)), row.get(2));
        case TEXT_TYPES -> textType(Long.parseLong(row.get(0)));
        case RULES -> rule(Long.parseLong(row.get(0)), row.get(1));
        case MATERIALIZED_VIEWS -> view(Long.parseLong(row.get(0)), row.get(1));
        case VIEWS -> {
          view(Long.parseLong(row.get(0)), row.get(1));
          expressions.add(new Expression(Long.parseLong(row.get(0)), row.get(1), true));
        }
        case POLICIES ->
            expressions.add(new Expression(Long.parseLong(row.get(0)), row.get(1), false));
      }
      return this;
    }

    private static Access call(String schema, String function) {
      return new Access(Effect.EXECUTE, "SELECT", schema + "." + function + "()");
    }

    private static boolean isTrue(String value) {
      return "t".equals(value) || "true".equals(value);
    }

    private String name(String name) {
      String known = names.putIfAbsent(name, name);
      return known == null ? name : known;
    }

    void version(int number) {
      serverVersionNum = number;
    }

    void fingerprint(String value) {
      fingerprint = value;
    }

    void open() {
      open = true;
    }

    void schema(String schema) {
      schemas.add(name(schema));
    }

    void relation(long oid, String schema, String name, char kind) {
      Relation relation = new Relation(oid, name(schema), name(name), kind);
      relationsByOid.put(oid, relation);
      relations.computeIfAbsent(relation.name(), n -> new ArrayList<>(1)).add(relation);
    }

    void ancestor(long child, long parent) {
      ancestorOids.computeIfAbsent(child, c -> new ArrayList<>(1)).add(parent);
    }

    void builtin(String name, boolean isVolatile) {
      builtinFunctions.put(name(name), isVolatile);
    }

    void function(String schema, String name, boolean harmless, boolean attribute) {
      userFunctions
          .computeIfAbsent(name(name), n -> new ArrayList<>(1))
          .add(new UserFunction(name(schema), harmless, attribute));
    }

    void operator(String schema, String name) {
      operators
          .computeIfAbsent(name(name), n -> new ArrayList<>(1))
          .add(new UserOperator(name(schema), name(name)));
    }

    void domain(String schema, String name) {
      checkedDomains.put(name(name), name(schema));
    }

    void domainHolder(long type, String domain) {
      domainHolders.computeIfAbsent(type, oid -> new ArrayList<>(1)).add(name(domain));
    }

    void cast(
        String source,
        String target,
        String function,
        boolean implicit,
        boolean ofBuiltIn,
        boolean toBuiltIn) {
      casts.add(new UserCast(name(source), name(target), function, implicit, ofBuiltIn, toBuiltIn));
    }

    void typePart(String type, String part) {
      typeParts.computeIfAbsent(name(type), t -> new ArrayList<>(1)).add(name(part));
    }

    void columnType(long relation, String type) {
      columnTypes.computeIfAbsent(relation, oid -> new ArrayList<>(1)).add(name(type));
    }

    void hidden(long relation, Access access) {
      List<Access> list = hidden.computeIfAbsent(relation, oid -> new ArrayList<>(1));
      if (!list.contains(access)) {
        list.add(access);
      }
    }

    void column(long relation, int number, String name, long type) {
      columns
          .computeIfAbsent(relation, oid -> new ArrayList<>(8))
          .add(new Column(number, name(name), type));
    }

    void generated(long relation, int column, String expression) {
      generated.add(new Generated(relation, column, expression == null ? "" : expression));
    }

    void view(long relation, String definition) {
      viewDefinitions.put(relation, definition == null ? "" : definition);
    }

    void rule(long relation, String definition) {
      rules
          .computeIfAbsent(relation, oid -> new ArrayList<>(1))
          .add(definition == null ? "" : definition);
    }

    void textType(long oid) {
      textTypes.add(oid);
    }

    void settingsView(long relation) {
      settingsViews.add(relation);
    }

    private Map<Long, List<Relation>> resolvedAncestors() {
      Map<Long, List<Relation>> resolved = new HashMap<>();
      ancestorOids.forEach(
          (child, parents) -> {
            for (Long parent : parents) {
              Relation relation = relationsByOid.get(parent);
              if (relation != null) {
                resolved.computeIfAbsent(child, c -> new ArrayList<>(1)).add(relation);
              }
            }
          });
      return resolved;
    }

    /** Of lists of types, those that matter to casts or domains. */
    private <K> Map<K, List<String>> specialOf(Map<K, List<String>> typesOf) {
      Set<String> special = new HashSet<>(checkedDomains.keySet());
      for (UserCast cast : casts) {
        special.add(cast.source());
        special.add(cast.target());
      }
      Map<K, List<String>> kept = new HashMap<>();
      typesOf.forEach(
          (key, types) -> {
            List<String> matching = types.stream().filter(special::contains).toList();
            if (!matching.isEmpty()) {
              kept.put(key, matching);
            }
          });
      return kept;
    }

    /**
     * The catalog.
     *
     * @throws IllegalStateException if a query that always has rows had none
     */
    public Catalog build() {
      for (CatalogQuery query :
          List.of(
              CatalogQuery.VERSION,
              CatalogQuery.SCHEMAS,
              CatalogQuery.RELATIONS,
              CatalogQuery.BUILTIN_FUNCTIONS)) {
        if (!rows.containsKey(query)) {
          throw new IllegalStateException("no row of the catalog query " + query);
        }
      }
      if (serverVersionNum < 130000) {
        throw new IllegalStateException(
            "PostgreSQL 13 or newer is needed; the target says " + serverVersionNum);
      }
      for (Comparison comparison : comparisons) {
        columnTypes.forEach(
            (relation, types) -> {
              if (types.contains(comparison.type())) {
                hidden(relation, comparison.access());
              }
            });
      }
      for (Planned planned : plannedExpressions) {
        PlannedExpressions.run(
                new Catalog(this), columnNames(planned.relation()), planned.expression())
            .forEach(access -> hidden(planned.relation(), access));
      }
      // What is planned and scanned for a table is so for those whose rows it holds, too.
      ancestorOids.forEach(
          (child, parents) ->
              List.copyOf(hidden.getOrDefault(child, List.of()))
                  .forEach(access -> parents.forEach(parent -> hidden(parent, access))));
      // What a view or a check runs may itself be a view or use a checked domain: go on until
      // nothing is added.
      int before;
      do {
        before = size();
        Catalog soFar = new Catalog(this);
        for (DomainCheck check : domainChecks) {
          if (!checkedDomains.containsKey(check.name())
              && !ExpressionReader.sideEffects(soFar, check.text(), false).isEmpty()) {
            domain(check.schema(), check.name());
          }
        }
        for (Expression expression : expressions) {
          for (Access access :
              ExpressionReader.sideEffects(soFar, expression.text(), expression.isQuery())) {
            hidden(expression.relation(), access);
          }
          if (expression.isQuery() && showsSettings(expression.text())) {
            settingsView(expression.relation());
          }
        }
      } while (size() != before);
      return new Catalog(this);
    }

    private Set<String> columnNames(long relation) {
      Set<String> found = new HashSet<>();
      columns.getOrDefault(relation, List.of()).forEach(column -> found.add(column.name()));
      return found;
    }

    /** Whether a view is over pg_settings, or over a view that is. */
    private boolean showsSettings(String definition) {
      return definition.contains("pg_settings")
          || settingsViews.stream()
              .map(relationsByOid::get)
              .anyMatch(view -> view != null && definition.contains(view.name()));
    }

    private int size() {
      return checkedDomains.size()
          + settingsViews.size()
          + hidden.values().stream().mapToInt(List::size).sum();
    }
  }

  /** An access of a kind that reading a view or table brings along. */
  static boolean isSideEffect(Access access) {
    return access.effect() != Effect.READ && access.effect() != Effect.PRIVILEGE;
  }
}
