package dev.chaperone.policy;

import java.util.Collection;
import java.util.Objects;
import java.util.OptionalLong;

/**
 * What a session may use at most; an empty value is no limit.
 *
 * @param rowsPerOperation rows sent to the client for one operation
 * @param bytesPerOperation bytes sent to the client for one operation
 * @param operationsPerMinute operations of one session in a minute
 */
public record Limits(
    OptionalLong rowsPerOperation,
    OptionalLong bytesPerOperation,
    OptionalLong operationsPerMinute) {

  /** No limit at all. */
  public static final Limits NONE =
      new Limits(OptionalLong.empty(), OptionalLong.empty(), OptionalLong.empty());

  public Limits {
    Objects.requireNonNull(rowsPerOperation, "rowsPerOperation");
    Objects.requireNonNull(bytesPerOperation, "bytesPerOperation");
    Objects.requireNonNull(operationsPerMinute, "operationsPerMinute");
  }

  /** All limits together: of each, the smallest that any of them sets. */
  public static Limits smallest(Collection<Limits> all) {
    Limits smallest = NONE;
    for (Limits limits : all) {
      smallest =
          new Limits(
              smallest(smallest.rowsPerOperation, limits.rowsPerOperation),
              smallest(smallest.bytesPerOperation, limits.bytesPerOperation),
              smallest(smallest.operationsPerMinute, limits.operationsPerMinute));
    }
    return smallest;
  }

  private static OptionalLong smallest(OptionalLong one, OptionalLong other) {
    if (one.isEmpty() || other.isEmpty()) {
      return one.isEmpty() ? other : one;
    }
    return OptionalLong.of(Math.min(one.getAsLong(), other.getAsLong()));
  }
}
