package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.MaskUse;

/** What expressions may be made of a protected column, by its type; {@link MaskUse#TAINT}. */
enum Taint {
  /** None. */
  NONE,
  /** It may be counted. */
  COUNTED,
  /** Those that take text, to which the server turns it: varchar, char. */
  STRING,
  /** Those that take text, which it is. */
  TEXT;

  /** Of a column of that type; 0 where it is not known (src/include/catalog/pg_type.dat). */
  static Taint ofType(long type) {
    return switch ((int) type) {
      case 25 -> TEXT;
      case 1042, 1043 -> STRING;
      default -> COUNTED;
    };
  }
}
