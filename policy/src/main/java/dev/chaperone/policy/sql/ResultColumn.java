package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.Mask;

/**
 * A column of a relation or of a query's result.
 *
 * @param name null where it has none that is known
 * @param mask what its values are masked by, or null
 * @param lineage where they come from
 * @param taint what expressions may be made of it
 * @param comparability what it may be compared with
 * @param derived whether it is an expression over a protected column: then it is replaced whole
 */
record ResultColumn(
    String name,
    Mask mask,
    Lineage lineage,
    Taint taint,
    Comparability comparability,
    boolean derived) {
  /** A column of which nothing is known. */
  static final ResultColumn UNKNOWN = new ResultColumn(null, null, Lineage.UNKNOWN);

  /** A column that may only be returned by itself where it is protected. */
  ResultColumn(String name, Mask mask, Lineage lineage) {
    this(name, mask, lineage, Taint.NONE, Comparability.NONE, false);
  }

  boolean isProtected() {
    return mask != null;
  }

  boolean isNamed(String other) {
    return other.equals(name);
  }
}
