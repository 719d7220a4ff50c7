package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.Mask;
import java.util.ArrayList;
import java.util.List;

/**
 * What becomes of the columns of a query's result where they are combined with others or renamed.
 */
final class ResultColumns {
  private final boolean lineage;

  /**
   * @param lineage whether columns are followed, as in a view's definition, or protected ones
   *     refused
   */
  ResultColumns(boolean lineage) {
    this.lineage = lineage;
  }

  /** The result of a set operation, by the name it is refused with. */
  List<ResultColumn> combined(List<ResultColumn> one, List<ResultColumn> other, String operator)
      throws ColumnUsageException {
    if (!lineage) {
      noneProtected(one, "be an operand of " + operator);
      noneProtected(other, "be an operand of " + operator);
    }
    if (one.size() != other.size()) {
      if (lineage) {
        throw ColumnRefusals.unclear();
      }
      // A star that stands for columns nobody knows.
      return one.stream()
          .map(column -> new ResultColumn(column.name(), null, Lineage.UNKNOWN))
          .toList();
    }
    List<ResultColumn> combined = new ArrayList<>();
    for (int i = 0; i < one.size(); i++) {
      combined.add(
          new ResultColumn(
              one.get(i).name(),
              strictest(one.get(i).mask(), other.get(i).mask()),
              Lineage.either(operator, one.get(i).lineage(), other.get(i).lineage())));
    }
    return combined;
  }

  /**
   * The columns under new names.
   *
   * @param names null for none; they may be fewer than the columns
   * @param what what renames them, in a refusal
   */
  List<ResultColumn> renamed(List<ResultColumn> result, List<String> names, String what)
      throws ColumnUsageException {
    if (names == null) {
      return result;
    }
    if (!lineage) {
      noneProtected(result, "be renamed by " + what);
    }
    List<ResultColumn> renamed = new ArrayList<>();
    for (int i = 0; i < Math.max(result.size(), names.size()); i++) {
      String name = i < names.size() ? names.get(i) : result.get(i).name();
      renamed.add(
          i < result.size()
              ? new ResultColumn(name, result.get(i).mask(), result.get(i).lineage())
              : new ResultColumn(name, null, Lineage.UNKNOWN));
    }
    return renamed;
  }

  /** The strictest of two masks; each may be null. */
  static Mask strictest(Mask one, Mask other) {
    return one == null || other == null ? (one == null ? other : one) : one.and(other);
  }

  /** Refuses a use of a result that has protected columns. */
  static void noneProtected(List<ResultColumn> result, String use) throws ColumnUsageException {
    for (ResultColumn column : result) {
      if (column.isProtected()) {
        throw ColumnRefusals.usedResult(column.name(), use);
      }
    }
  }
}
