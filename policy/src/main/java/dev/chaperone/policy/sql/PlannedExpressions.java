package dev.chaperone.policy.sql;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Effect;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * What planning a query runs of the expressions of a table's indexes and checks: the server
 * simplifies them (eval_const_expressions in clauses.c), and calls the functions among them whose
 * arguments are constants.
 */
final class PlannedExpressions {
  private static final SqlLimits LIMITS = SqlLimits.DEFAULT.withTextBytes(16 << 20);

  private PlannedExpressions() {}

  /**
   * What simplifying an expression runs.
   *
   * @param columns of the table; a call that depends on one is not run
   * @param expression as the server writes it: with a parenthesis around each operator
   */
  static Set<Access> run(Catalog catalog, Set<String> columns, String expression) {
    Set<Access> accesses = new LinkedHashSet<>();
    try {
      List<Token> tokens = SqlScanner.scan(expression, LIMITS, catalog.serverVersionNum());
      if (!dependsOn(columns, tokens, 0, tokens.size())) {
        accesses.addAll(ExpressionReader.sideEffects(catalog, expression, false));
      }
      List<Integer> open = new ArrayList<>();
      for (int i = 0; i < tokens.size(); i++) {
        if (tokens.get(i).isPunctuation("(")) {
          open.add(i);
        } else if (tokens.get(i).isPunctuation(")") && !open.isEmpty()) {
          int start = open.remove(open.size() - 1);
          if (!dependsOn(columns, tokens, start, i)) {
            List<Token> call = tokens.subList(nameBefore(tokens, start), i + 1);
            accesses.addAll(ExpressionReader.sideEffects(catalog, CanonicalText.of(call), false));
          }
        }
      }
    } catch (UnreadableException e) {
      accesses.add(new Access(Effect.UNKNOWN, "SELECT", "unknown"));
    }
    return accesses;
  }

  private static boolean dependsOn(Set<String> columns, List<Token> tokens, int from, int to) {
    for (int i = from; i < to; i++) {
      boolean isCall = i + 1 < tokens.size() && tokens.get(i + 1).isPunctuation("(");
      if (tokens.get(i).isName() && !isCall && columns.contains(tokens.get(i).text())) {
        return true;
      }
    }
    return false;
  }

  /** Where the qualified name before a parenthesis starts. */
  private static int nameBefore(List<Token> tokens, int parenthesis) {
    int start = parenthesis;
    while (start > 0
        && (tokens.get(start - 1).isName() || tokens.get(start - 1).isPunctuation("."))) {
      start--;
    }
    return start;
  }
}
