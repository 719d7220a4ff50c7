package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.Mask;

/**
 * A column of a relation or of a query's result.
 *
 * @param name null where it has none that is known
 * @param mask what its values are masked by, or null
 * @param lineage where they come from
 */
record ResultColumn(String name, Mask mask, Lineage lineage) {
  /** A column of which nothing is known. */
  static final ResultColumn UNKNOWN = new ResultColumn(null, null, Lineage.UNKNOWN);

  boolean isProtected() {
    return mask != null;
  }

  boolean isNamed(String other) {
    return other.equals(name);
  }
}
