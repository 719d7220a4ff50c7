package dev.chaperone.policy.sql;

import dev.chaperone.policy.Operation;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** What a text sent to PostgreSQL would do. */
public sealed interface SqlAnalysis {

  /**
   * The text was understood, if need be as {@link dev.chaperone.policy.Effect#UNKNOWN}.
   *
   * @param operation what it does, as rules see it
   * @param statements its statements in order; empty for an empty query
   */
  record Understood(Operation operation, List<SqlStatement> statements) implements SqlAnalysis {
    public Understood {
      Objects.requireNonNull(operation, "operation");
      statements = List.copyOf(statements);
    }

    /** The first reason why no policy can allow this text, or empty. */
    public Optional<String> refusal() {
      return statements.stream().flatMap(s -> s.refusal().stream()).findFirst();
    }

    /** The first reason why this text would show or use masked values, or empty. */
    public Optional<Masking.Refused> maskingRefusal() {
      return statements.stream()
          .map(SqlStatement::masking)
          .filter(Masking.Refused.class::isInstance)
          .map(Masking.Refused.class::cast)
          .findFirst();
    }
  }

  /**
   * The text is not one that PostgreSQL's lexer accepts, or passes a limit. It is answered with an
   * error and not forwarded.
   *
   * @param sqlState {@code 42601} for a syntax error, {@code 54000} for a limit
   * @param message safe to show: no part of a literal
   */
  record Unreadable(String sqlState, String message) implements SqlAnalysis {}

  /** What the analysis depended on, as {@link Operation#dependencies()}. */
  default Set<dev.chaperone.policy.Dependency> dependencies() {
    return this instanceof Understood u ? u.operation().dependencies() : Set.of();
  }
}
