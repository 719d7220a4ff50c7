package dev.chaperone.policy.sql;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Effect;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads expressions and queries that the server itself has written out: views, checks, policies.
 */
final class ExpressionReader {
  private static final SqlLimits LIMITS = SqlLimits.DEFAULT.withTextBytes(16 << 20);

  private ExpressionReader() {}

  /** What evaluating the text does besides reading; an UNKNOWN access where it cannot be read. */
  static List<Access> sideEffects(Catalog catalog, String text, boolean isQuery) {
    try {
      List<Token> tokens = SqlScanner.scan(text, LIMITS, catalog.serverVersionNum());
      List<List<Token>> statements = StatementSplitter.split(tokens, LIMITS);
      List<Access> found = new ArrayList<>();
      for (List<Token> statement : statements) {
        Reading reading = new Reading();
        new QueryReader(statement, Scope.qualified(catalog), reading, isQuery).read();
        reading.accesses().stream().filter(Catalog::isSideEffect).forEach(found::add);
        if (reading.isRefused() || reading.changesSession()) {
          // Nobody would follow what reading the view does to the session.
          found.add(new Access(Effect.UNKNOWN, "SELECT", "unknown"));
        }
      }
      return found;
    } catch (UnreadableException e) {
      return List.of(new Access(Effect.UNKNOWN, "SELECT", "unknown"));
    }
  }
}
