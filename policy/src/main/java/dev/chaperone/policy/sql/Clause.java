package dev.chaperone.policy.sql;

/** Where in a query an expression stands. */
enum Clause {
  /** What rows are chosen or joined by: WHERE, HAVING, ON. */
  CONDITION,
  /** ORDER BY. */
  SORTING,
  /** GROUP BY. */
  GROUPING,
  /** Anywhere else. */
  OTHER
}
