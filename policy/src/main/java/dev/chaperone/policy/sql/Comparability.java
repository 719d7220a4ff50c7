package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.MaskPredicates;

/** What a protected column may be compared with, by its type; {@link MaskPredicates#ALLOW}. */
enum Comparability {
  /** Nothing. */
  NONE,
  /** Constants: a parameter or another column may be of a type it cannot always be turned to. */
  CONSTANTS,
  /** Constants, parameters and columns. */
  ANY;

  /**
   * Of a column of that type (src/include/catalog/pg_type.dat). Those that are named here are
   * compared by functions of the server that cannot fail for a value. numeric is turned to double
   * precision beside one, which fails for very large values (numeric.c, numeric_float8).
   */
  static Comparability ofType(long type) {
    return switch ((int) type) {
      case 16, 20, 21, 23, 25, 1042, 1043, 1082, 1114, 1184, 2950 -> ANY;
      case 1700 -> CONSTANTS;
      default -> NONE;
    };
  }
}
