package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.Mask;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which columns of a view show protected ones, from its definition as the server writes it out. A
 * column made with a protected one is protected; where the definition is not understood, all are.
 */
final class ViewLineage {
  private static final SqlLimits LIMITS = SqlLimits.DEFAULT.withTextBytes(16 << 20);

  private ViewLineage() {}

  /**
   * A column that shows protected ones.
   *
   * @param mask the strictest of theirs
   * @param from which they are; empty where the definition is not understood: any that it names
   */
  record Shown(Mask mask, List<Lineage> from) {}

  /** The columns of a view that show protected ones, by number. */
  static Map<Integer, Shown> of(
      long view, String definition, Catalog catalog, ProtectedColumns protectedColumns) {
    Relation relation = catalog.relation(view);
    if (relation == null) {
      return Map.of();
    }
    List<Token> tokens;
    try {
      tokens = statement(definition, catalog);
    } catch (UnreadableException e) {
      return all(relation, catalog, Mask.REDACT);
    }
    Mask strictest = null;
    for (String named : relations(tokens, catalog)) {
      Mask mask = protectedColumns.strictest(named);
      strictest = strictest == null ? mask : mask == null ? strictest : strictest.and(mask);
    }
    if (strictest == null) {
      return Map.of();
    }
    List<Catalog.Column> columns = catalog.columns(relation);
    List<ResultColumn> result =
        ColumnUsageReader.lineage(tokens, Scope.qualified(catalog), protectedColumns);
    if (result == null || result.size() != columns.size()) {
      return all(relation, catalog, strictest);
    }
    Map<Integer, Shown> shown = new HashMap<>();
    for (int i = 0; i < columns.size(); i++) {
      ResultColumn column = result.get(i);
      if (column.isProtected()) {
        shown.put(
            columns.get(i).number(),
            new Shown(column.mask(), column.lineage().columns().orElse(List.of())));
      }
    }
    return shown;
  }

  /**
   * The columns of a view with what they are made of.
   *
   * @return null where the definition is not understood
   */
  static List<ResultColumn> columns(
      String definition, Catalog catalog, ProtectedColumns protectedColumns) {
    try {
      return ColumnUsageReader.lineage(
          statement(definition, catalog), Scope.qualified(catalog), protectedColumns);
    } catch (UnreadableException e) {
      return null;
    }
  }

  /** The relations that a definition names, as {@code schema.name}. */
  static Set<String> relations(String definition, Catalog catalog) {
    try {
      return relations(statement(definition, catalog), catalog);
    } catch (UnreadableException e) {
      return Set.of();
    }
  }

  private static Set<String> relations(List<Token> tokens, Catalog catalog) {
    Reading reading = new Reading();
    new QueryReader(tokens, Scope.qualified(catalog), reading, true).read();
    return reading.tables();
  }

  /** Whether an expression names a column; also where it cannot be read. */
  static boolean names(String expression, String column, Catalog catalog) {
    try {
      return SqlScanner.scan(expression, LIMITS, catalog.serverVersionNum()).stream()
          .anyMatch(token -> token.isName() && token.text().equals(column));
    } catch (UnreadableException e) {
      return true;
    }
  }

  /** Whether what a rule does names a relation; also where it cannot be read. */
  static boolean actionNames(String rule, String relation, Catalog catalog) {
    try {
      boolean action = false;
      for (Token token : SqlScanner.scan(rule, LIMITS, catalog.serverVersionNum())) {
        action |= token.isWord("do");
        if (action && token.isName() && token.text().equals(relation)) {
          return true;
        }
      }
      return false;
    } catch (UnreadableException e) {
      return true;
    }
  }

  private static List<Token> statement(String definition, Catalog catalog)
      throws UnreadableException {
    List<List<Token>> statements =
        StatementSplitter.split(
            SqlScanner.scan(definition, LIMITS, catalog.serverVersionNum()), LIMITS);
    return statements.size() == 1 ? statements.get(0) : List.of();
  }

  private static Map<Integer, Shown> all(Relation relation, Catalog catalog, Mask mask) {
    Map<Integer, Shown> shown = new HashMap<>();
    catalog
        .columns(relation)
        .forEach(column -> shown.put(column.number(), new Shown(mask, List.of())));
    return shown;
  }
}
