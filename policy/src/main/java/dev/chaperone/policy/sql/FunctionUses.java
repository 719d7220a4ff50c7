package dev.chaperone.policy.sql;

import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.sql.Scope.Meaning;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** The functions and operators that a query calls, and what calling them does. */
final class FunctionUses {
  private final QueryCursor in;
  private final Scope scope;
  private final Catalog catalog;
  private final Reading reading;
  private final RelationUses relations;
  private final TypeUses types;
  private Set<String> qualified = Set.of();

  FunctionUses(
      QueryCursor in, Scope scope, Reading reading, RelationUses relations, TypeUses types) {
    this.in = in;
    this.scope = scope;
    this.catalog = scope.catalog();
    this.reading = reading;
    this.relations = relations;
    this.types = types;
  }

  /**
   * A name before a parenthesis, where the cursor stands.
   *
   * @param start the token that the name starts with
   * @param definitions whether names here define columns
   */
  void call(int start, List<String> chain, boolean definitions) {
    Token first = in.tokens.get(start);
    String name = chain.get(chain.size() - 1);
    String schema = chain.size() > 1 ? chain.get(chain.size() - 2) : null;
    boolean bare = schema == null && first.kind() == Kind.WORD;
    if (FunctionRules.populatesRows(name)) {
      types.populateRows();
    }
    if (bare && name.equals("treat")) {
      treat();
    }
    if (FunctionRules.takesTypeOfContainer(name)) {
      types.buildContainer();
    }
    boolean known = false;
    if (schema == null || schema.equals("pg_catalog") || schema.equals("information_schema")) {
      Boolean isVolatile = catalog.builtinFunction(name);
      if (isVolatile != null) {
        known = true;
        builtin(name, isVolatile);
      }
    }
    for (Catalog.UserFunction f : catalog.userFunctions(name)) {
      if (schema == null ? scope.searches(f.schema()) : schema.equals(f.schema())) {
        // An extension overloads a built-in name for its own types alone.
        if (!known || !f.harmless()) {
          types.callForeignFunction();
        }
        known = true;
        if (!f.harmless()) {
          reading.add(Effect.EXECUTE, "SELECT", f.schema() + "." + name + "()");
        }
      }
    }
    if (known
        || (bare && (Keywords.isSyntax(name) || Keywords.isReserved(name)))
        || definitions
        || SystemRelations.isTypeName(name)) {
      return;
    }
    if (schema == null && catalog.checkedDomain(name) != null) {
      return;
    }
    String resource = (schema == null ? scope.creationSchema() : schema) + "." + name + "()";
    reading.unresolved(resource);
    reading.add(catalog.isOpen() ? Effect.EXECUTE : Effect.UNKNOWN, "SELECT", resource);
  }

  /**
   * {@code TREAT(x AS f)} calls {@code pg_catalog.f(x)}, whatever {@code f} is: the grammar makes a
   * function of the type's name (gram.y, func_expr_common_subexpr).
   */
  private void treat() {
    int depth = 0;
    boolean isType = false;
    for (int i = in.position; i < in.size; i++) {
      Token token = in.tokens.get(i);
      if (token.isPunctuation("(")) {
        depth++;
      } else if (token.isPunctuation(")") && --depth == 0) {
        return;
      } else if (depth == 1 && token.isWord("as") && !in.label[i]) {
        isType = true;
      } else if (isType && token.isName()) {
        byBuiltInName(token.text());
      }
    }
  }

  private void byBuiltInName(String name) {
    Boolean isVolatile = catalog.builtinFunction(name);
    if (isVolatile != null) {
      FunctionRules.effectOfBuiltin(name, isVolatile)
          .ifPresent(effect -> reading.add(effect, "SELECT", "pg_catalog." + name + "()"));
    }
    for (Catalog.UserFunction f : catalog.userFunctions(name)) {
      if (f.schema().equals("pg_catalog") && !f.harmless()) {
        reading.add(Effect.EXECUTE, "SELECT", "pg_catalog." + name + "()");
      }
    }
  }

  private void builtin(String name, boolean isVolatile) {
    if (name.equals("set_config")) {
      setConfig();
      return;
    }
    if (FunctionRules.readsTypeByName(name) && catalog.hasCheckedDomains()) {
      reading.add(Effect.EXECUTE, "SELECT", "pg_catalog." + name + "()");
    }
    Optional<Effect> effect = FunctionRules.effectOfBuiltin(name, isVolatile);
    if (effect.isEmpty()) {
      return;
    }
    if (FunctionRules.namesSequence(name)) {
      reading.dependsOn(Dependency.LITERALS);
      Optional<List<String>> sequence = literalArgument().flatMap(SettingRules::splitDotted);
      if (sequence.isPresent()) {
        for (Meaning meaning : relations.meanings(sequence.get())) {
          reading.target(meaning.resource());
          relations.write(List.of(meaning), "SELECT");
        }
        return;
      }
    }
    reading.add(effect.get(), "SELECT", "pg_catalog." + name + "()");
  }

  /** The first argument where it is a string, perhaps cast to regclass. */
  private Optional<String> literalArgument() {
    int i = in.position + 1;
    if (i + 1 >= in.size || in.tokens.get(i).kind() != Kind.STRING) {
      return Optional.empty();
    }
    Token after = in.tokens.get(i + 1);
    boolean plain = after.isPunctuation(")") || after.isPunctuation(",");
    boolean cast =
        after.isPunctuation("::")
            && in.isWord(i + 2, "regclass")
            && (in.isPunctuation(i + 3, ")") || in.isPunctuation(i + 3, ","));
    return plain || cast ? Optional.of(in.tokens.get(i).text()) : Optional.empty();
  }

  /** {@code set_config('name', 'value', is_local)}, with constants or not. */
  private void setConfig() {
    reading.dependsOn(Dependency.LITERALS);
    int i = in.position + 1;
    boolean constantName =
        i + 1 < in.size && in.tokens.get(i).kind() == Kind.STRING && in.isPunctuation(i + 1, ",");
    if (!constantName && isSettingByName()) {
      String setting = in.tokens.get(in.size - 1).text();
      SettingChange.apply(
          setting, Optional.of(List.of(in.tokens.get(5).text())), "SELECT", scope, reading);
      return;
    }
    if (!constantName) {
      reading.refuse("set_config with a computed setting name");
      reading.add(Effect.SESSION_STATE, "SELECT", "setting/unknown");
      return;
    }
    String setting = in.tokens.get(i).text().toLowerCase(Locale.ROOT);
    boolean constantValue =
        i + 3 < in.size
            && in.tokens.get(i + 2).kind() == Kind.STRING
            && in.isPunctuation(i + 3, ",");
    Optional<List<String>> values = Optional.empty();
    if (constantValue) {
      String value = in.tokens.get(i + 2).text();
      values =
          setting.equals("search_path")
              ? SettingRules.splitIdentifiers(value)
              : Optional.of(List.of(value));
    }
    SettingChange.apply(setting, values, "SELECT", scope, reading);
  }

  /**
   * {@code SELECT set_config(name, 'value', false) FROM pg_settings WHERE name = 'setting'}, which
   * pg_dump sends since a setting may not exist: the whole statement, nothing more or less.
   */
  private boolean isSettingByName() {
    String shape = "select set_config(name, '%s', false) from pg_settings where name = '%s'";
    return in.size == 15
        && in.tokens.get(5).kind() == Kind.STRING
        && in.tokens.get(14).kind() == Kind.STRING
        && !scope.isTemporary("pg_settings")
        && CanonicalText.of(in.tokens)
            .equals(
                shape.formatted(
                    in.tokens.get(5).text().replace("'", "''"),
                    in.tokens.get(14).text().replace("'", "''")));
  }

  /** A word before a parenthesis that is most likely syntax: what a call of that name would do. */
  void namesakes(String name) {
    Boolean isVolatile = catalog.builtinFunction(name);
    if (isVolatile != null && !Keywords.isSyntax(name)) {
      FunctionRules.effectOfBuiltin(name, isVolatile)
          .ifPresent(effect -> reading.add(effect, "SELECT", "pg_catalog." + name + "()"));
    }
    for (Catalog.UserFunction f : catalog.userFunctions(name)) {
      if (!f.harmless() && scope.searches(f.schema())) {
        reading.add(Effect.EXECUTE, "SELECT", f.schema() + "." + name + "()");
      }
    }
  }

  /**
   * {@code (value).f} calls f(value) for a value of any type, and {@code t.f} calls f(row of t)
   * where the row has no such column.
   */
  void attributes(List<String> chain, boolean afterDot) {
    if (!afterDot && chain.size() > 1) {
      if (qualified.isEmpty()) {
        qualified = new LinkedHashSet<>();
      }
      qualified.addAll(chain.subList(1, chain.size()));
    }
    for (int i = afterDot ? 0 : 1; i < chain.size(); i++) {
      String name = chain.get(i);
      for (Catalog.UserFunction f : catalog.userFunctions(name)) {
        if ((afterDot || f.attribute()) && !f.harmless() && scope.searches(f.schema())) {
          reading.add(Effect.EXECUTE, "SELECT", f.schema() + "." + name + "()");
        }
      }
      Boolean isVolatile = catalog.builtinFunction(name);
      if (isVolatile != null) {
        FunctionRules.effectOfBuiltin(name, isVolatile)
            .ifPresent(effect -> reading.add(effect, "SELECT", "pg_catalog." + name + "()"));
      }
    }
  }

  /**
   * {@code g.f} calls f(g) where g is a FROM item that is a function's value, of whatever type: its
   * alias stands for the value itself (transformWholeRowRef in parse_expr.c).
   */
  void attributesOfValues() {
    for (String name : qualified) {
      for (Catalog.UserFunction f : catalog.userFunctions(name)) {
        if (!f.harmless() && scope.searches(f.schema())) {
          reading.add(Effect.EXECUTE, "SELECT", f.schema() + "." + name + "()");
        }
      }
    }
  }

  /** {@code OPERATOR(schema.op)}; false where the word is something else. */
  boolean explicitOperator() {
    if (!in.isPunctuation(in.position + 1, "(")) {
      return false;
    }
    int i = in.position + 2;
    String schema = null;
    while (i + 1 < in.size && in.tokens.get(i).isName() && in.isPunctuation(i + 1, ".")) {
      schema = in.tokens.get(i).text();
      i += 2;
    }
    if (i >= in.size || in.tokens.get(i).kind() != Kind.OPERATOR || !in.isPunctuation(i + 1, ")")) {
      return false;
    }
    operator(schema, in.tokens.get(i).text());
    in.position = i + 2;
    return true;
  }

  /**
   * An operator, or a key word that means one.
   *
   * @param schema null where it is looked up on the search path
   */
  void operator(String schema, String symbol) {
    if (!catalog.hasOperators()) {
      return;
    }
    for (Catalog.UserOperator operator : catalog.operators(symbol)) {
      if (schema == null ? scope.searches(operator.schema()) : schema.equals(operator.schema())) {
        reading.add(Effect.EXECUTE, "SELECT", operator.resource());
      }
    }
  }
}
