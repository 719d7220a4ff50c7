package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.Masking.Refused;

/** A statement uses masked columns as it must not, or cannot be read for sure. */
final class ColumnUsageException extends Exception {
  private static final long serialVersionUID = 1L;
  private final transient Refused refused;

  ColumnUsageException(String reason, String hint) {
    super(reason, null, false, false);
    this.refused = new Refused(reason, hint);
  }

  Refused refused() {
    return refused;
  }
}
