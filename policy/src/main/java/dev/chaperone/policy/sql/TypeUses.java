package dev.chaperone.policy.sql;

import dev.chaperone.policy.Effect;
import dev.chaperone.policy.sql.Scope.Meaning;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The types that values of a query may have, and the casts and checks of domains they run. */
final class TypeUses {
  private final QueryCursor in;
  private final Catalog catalog;
  private final Reading reading;
  private boolean populatesRows;
  private boolean callsForeignFunction;
  private boolean buildsContainers;
  private Set<String> castTargets = Set.of();

  TypeUses(QueryCursor in, Catalog catalog, Reading reading) {
    this.in = in;
    this.catalog = catalog;
    this.reading = reading;
  }

  /** A function makes rows of any relation's type. */
  void populateRows() {
    populatesRows = true;
  }

  /** An array or range is made, or a function takes one beside its elements. */
  void buildContainer() {
    buildsContainers = true;
  }

  /** A function that is not built in returns values of a type that is not known. */
  void callForeignFunction() {
    callsForeignFunction = true;
  }

  /**
   * A value becomes one of a type.
   *
   * @param start the token that the type's name starts with
   */
  void cast(List<String> chain, int start) {
    String type = chain.get(chain.size() - 1);
    if (!catalog.casts().isEmpty() && !isLiteralCast(start)) {
      if (castTargets.isEmpty()) {
        castTargets = new LinkedHashSet<>();
      }
      castTargets.add(SystemRelations.internalTypeName(type));
    }
    if (catalog.hasCheckedDomains()) {
      compositeDomains(type);
    }
  }

  /** {@code 'x'::type}: the type's input function reads the literal, no cast does. */
  private boolean isLiteralCast(int start) {
    if (start < 2 || !in.tokens.get(start - 1).isPunctuation("::")) {
      return false;
    }
    Token operand = in.tokens.get(start - 2);
    // A number has a type, and so may a parameter.
    return operand.kind() == Kind.STRING;
  }

  /** Any name in a query may be one of a domain, or of an array of it. */
  void checkDomains(List<String> chain) {
    if (!catalog.hasCheckedDomains()) {
      return;
    }
    for (String name : chain) {
      domain(name);
      if (name.startsWith("_")) {
        domain(name.substring(1));
      }
    }
  }

  /** A row type runs the checks of its columns' domains. */
  void compositeDomains(String type) {
    for (Relation relation : catalog.relations(type)) {
      for (String column : catalog.columnTypes(relation)) {
        domain(column);
      }
    }
  }

  private void domain(String name) {
    String schema = catalog.checkedDomain(name);
    if (schema != null) {
      reading.add(Effect.EXECUTE, "SELECT", schema + "." + name);
    }
  }

  /** Adds what is known when the whole query has been read. */
  void finish(RelationUses relations) {
    if (populatesRows && catalog.hasCheckedDomains()) {
      for (Meaning meaning : relations.read()) {
        if (meaning.relation() != null) {
          catalog.columnTypes(meaning.relation()).forEach(this::domain);
        }
      }
    }
    if (catalog.hasCheckedDomains() && hasUntypedValue() && mayTakeTypeOfContainer(relations)) {
      addDomainsOfColumns(relations);
    }
    for (Catalog.UserCast cast : catalog.casts()) {
      if (isUsed(cast, relations)) {
        reading.add(Effect.EXECUTE, "SELECT", cast.function());
      }
    }
  }

  private boolean isUsed(Catalog.UserCast cast, RelationUses relations) {
    if (cast.ofBuiltIn() && cast.toBuiltIn()) {
      // Values of built-in types are everywhere.
      return cast.implicit() || castTargets.stream().anyMatch(t -> catalog.holds(t, cast.target()));
    }
    boolean mayCast = cast.implicit() || !castTargets.isEmpty();
    return mayCast && mayHoldType(relations, cast.ofBuiltIn() ? cast.target() : cast.source());
  }

  private void addDomainsOfColumns(RelationUses relations) {
    boolean anyOfSession = false;
    for (Meaning meaning : relations.read()) {
      if (meaning.relation() != null) {
        catalog.columnTypes(meaning.relation()).forEach(this::domain);
      } else {
        anyOfSession = true;
      }
    }
    if (anyOfSession) {
      // What a temporary table holds is not known.
      reading.add(Effect.EXECUTE, "SELECT", "pg_temp.unknown");
    }
  }

  /** Whether a value without a type may take another value's type, and be read as that. */
  private boolean hasUntypedValue() {
    for (Token token : in.tokens) {
      if (token.kind() == Kind.STRING || token.kind() == Kind.PARAMETER || token.isWord("null")) {
        return true;
      }
    }
    return false;
  }

  /**
   * {@code column = '{5}'} reads the literal as an array of the column's type, and so do functions
   * that take any array beside any element. Operators and the like take a domain for its base type;
   * in arrays, ranges and rows a domain stays itself.
   */
  private boolean mayTakeTypeOfContainer(RelationUses relations) {
    if (buildsContainers) {
      return true;
    }
    for (Meaning meaning : relations.read()) {
      if (meaning.relation() == null) {
        return true;
      }
      for (String type : catalog.columnTypes(meaning.relation())) {
        if (catalog.isContainer(type)) {
          return true;
        }
      }
    }
    return false;
  }

  /** Whether a value of a type that is not built in can occur in this statement. */
  private boolean mayHoldType(RelationUses relations, String type) {
    if (callsForeignFunction || castTargets.stream().anyMatch(t -> catalog.holds(t, type))) {
      return true;
    }
    for (Token token : in.tokens) {
      if (token.isName() && catalog.holds(token.text(), type)) {
        return true;
      }
    }
    for (Set<Meaning> meanings : List.of(relations.read(), relations.written())) {
      for (Meaning meaning : meanings) {
        // What a temporary relation holds is not known.
        if (meaning.relation() == null || catalog.columnTypes(meaning.relation()).contains(type)) {
          return true;
        }
      }
    }
    return false;
  }
}
