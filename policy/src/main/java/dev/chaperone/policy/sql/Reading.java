package dev.chaperone.policy.sql;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.Operation;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** What has been read of one statement so far. */
final class Reading {
  private final Set<Access> accesses = new LinkedHashSet<>();
  private final List<SessionEffect> effects = new ArrayList<>();
  private final List<String> bodies = new ArrayList<>(0);
  private final Set<Dependency> dependencies = EnumSet.noneOf(Dependency.class);
  private final Set<String> tables = new LinkedHashSet<>();
  private final Set<String> targets = new LinkedHashSet<>();
  private final List<Supplier<Set<String>>> columns = new ArrayList<>(1);
  private final Set<String> unresolved = new LinkedHashSet<>();
  private Optional<String> refusal = Optional.empty();
  private Masking masking = Masking.Untouched.INSTANCE;
  private Reading evaluated;
  private boolean hasWhere;
  private boolean hasLimit;
  private boolean hasReturning;
  private int parameters;

  void add(Effect effect, String command, String resource) {
    accesses.add(new Access(effect, command, resource));
  }

  void add(Access access) {
    accesses.add(access);
  }

  void effect(SessionEffect effect) {
    effects.add(effect);
  }

  /** A statement made earlier runs here under its name. */
  void runs(SqlStatement earlier) {
    bodies.add(earlier.canonical());
  }

  void dependsOn(Dependency dependency) {
    dependencies.add(dependency);
  }

  void dependsOn(Set<Dependency> more) {
    dependencies.addAll(more);
  }

  void refuse(String reason) {
    if (refusal.isEmpty()) {
      refusal = Optional.of(reason);
    }
  }

  void table(String resource) {
    tables.add(resource);
  }

  void target(String resource) {
    tables.add(resource);
    targets.add(resource);
  }

  void columns(Supplier<Set<String>> names) {
    columns.add(names);
  }

  void unresolved(String name) {
    unresolved.add(name);
  }

  void hasWhere(boolean value) {
    hasWhere = value;
  }

  void hasLimit() {
    hasLimit = true;
  }

  void hasReturning() {
    hasReturning = true;
  }

  void parameter(int number) {
    parameters = Math.max(parameters, number);
  }

  void masking(Masking more) {
    masking = masking.and(more);
  }

  Masking masking() {
    return masking;
  }

  int parameters() {
    return parameters;
  }

  Set<Access> accesses() {
    return accesses;
  }

  Set<Dependency> dependencies() {
    return dependencies;
  }

  Set<String> tables() {
    return tables;
  }

  Set<String> targets() {
    return targets;
  }

  boolean hasWhere() {
    return hasWhere;
  }

  boolean isUnresolved(String name) {
    return unresolved.contains(name);
  }

  boolean isRefused() {
    return refusal.isPresent();
  }

  boolean changesSession() {
    return !effects.isEmpty();
  }

  boolean hasReturningClause() {
    return hasReturning;
  }

  /**
   * Takes over what is evaluated even where the statement is only explained: the arguments of
   * EXECUTE (ExplainExecuteQuery in prepare.c).
   */
  void includeEvaluated(Reading arguments) {
    includeRun(arguments);
    if (evaluated == null) {
      evaluated = new Reading();
    }
    evaluated.includeRun(arguments);
  }

  /** Takes over of an explained statement what is evaluated all the same. */
  void includeExplained(Reading statement) {
    includeFacts(statement);
    if (statement.evaluated != null) {
      includeRun(statement.evaluated);
    }
  }

  /** Takes over what a nested statement (a body) does, but not what it does to the session. */
  void include(Reading body) {
    accesses.addAll(body.accesses);
    if (body.evaluated != null) {
      if (evaluated == null) {
        evaluated = new Reading();
      }
      evaluated.includeRun(body.evaluated);
    }
    includeFacts(body);
  }

  /** Takes over what a nested statement does, to the session too: it runs with this one. */
  void includeRun(Reading body) {
    include(body);
    effects.addAll(body.effects);
  }

  /** Takes over the facts of a nested statement without its accesses. */
  void includeFacts(Reading body) {
    dependencies.addAll(body.dependencies);
    tables.addAll(body.tables);
    targets.addAll(body.targets);
    columns.addAll(body.columns);
    unresolved.addAll(body.unresolved);
    if (body.refusal.isPresent()) {
      refuse(body.refusal.get());
    }
    hasWhere |= body.hasWhere;
    hasLimit |= body.hasLimit;
    hasReturning |= body.hasReturning;
    parameters = Math.max(parameters, body.parameters);
  }

  /** Of what names relations and is no query, nobody has looked for them. */
  private List<String> columns() {
    if (columns.isEmpty() && tables.isEmpty()) {
      return List.of();
    }
    return new LazyColumns(columns.isEmpty() ? List.of(Reading::unknownColumns) : columns);
  }

  private static Set<String> unknownColumns() {
    throw new UnknownColumnsException();
  }

  SqlStatement toStatement(String canonical, String command, int statementCount) {
    Map<String, Object> attributes = new HashMap<>(16);
    attributes.put(SqlAttributes.HAS_WHERE, hasWhere);
    attributes.put(SqlAttributes.HAS_LIMIT, hasLimit);
    attributes.put(SqlAttributes.HAS_RETURNING, hasReturning);
    attributes.put(SqlAttributes.TABLES, List.copyOf(tables));
    attributes.put(SqlAttributes.COLUMNS, columns());
    attributes.put(SqlAttributes.STATEMENT_COUNT, statementCount);
    attributes.put(SqlAttributes.PARAMETERS, parameters);
    attributes.put(SqlAttributes.UNRESOLVED, List.copyOf(unresolved));
    return new SqlStatement(
        canonical,
        new Operation.Part(command, List.copyOf(accesses), attributes),
        effects,
        bodies,
        refusal,
        masking);
  }
}
