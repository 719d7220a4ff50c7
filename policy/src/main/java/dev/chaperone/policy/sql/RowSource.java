package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.Mask;
import java.util.List;

/**
 * What rows come from in one query: a relation, a query, a function in FROM.
 *
 * @param alias how the query names it; null where it has no name
 * @param resource {@code schema.name} of a relation that has no alias; else null
 * @param columns its columns; null where they are not known, and then none is protected
 */
record RowSource(String alias, String resource, List<ResultColumn> columns) {

  /** A source whose columns are not known and hold nothing protected. */
  static RowSource opaque(String alias) {
    return new RowSource(alias, null, null);
  }

  /** The strictest mask of its columns, or null where none is protected. */
  Mask mask() {
    Mask strictest = null;
    for (ResultColumn column : columns == null ? List.<ResultColumn>of() : columns) {
      if (column.isProtected()) {
        strictest = strictest == null ? column.mask() : strictest.and(column.mask());
      }
    }
    return strictest;
  }

  boolean isProtected() {
    return mask() != null;
  }

  /** The column of that name, or null. */
  ResultColumn column(String name) {
    ResultColumn found = null;
    for (ResultColumn column : columns == null ? List.<ResultColumn>of() : columns) {
      if (column.isNamed(name) && (found == null || column.isProtected())) {
        found = column;
      }
    }
    return found;
  }

  /** Whether it may have columns that are not in {@link #columns}. */
  boolean isOpen() {
    return columns == null || columns.stream().anyMatch(column -> column.name() == null);
  }

  /** What a whole row comes from. */
  Lineage lineage() {
    return Lineage.computed("row", star().stream().map(ResultColumn::lineage).toList());
  }

  /** What a star stands for. */
  List<ResultColumn> star() {
    return columns == null ? List.of(ResultColumn.UNKNOWN) : columns;
  }
}
