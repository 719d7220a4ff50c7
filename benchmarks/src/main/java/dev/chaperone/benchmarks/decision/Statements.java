package dev.chaperone.benchmarks.decision;

import java.util.Map;

/** The texts that are measured, by a short name. */
final class Statements {
  private static final Map<String, String> TEXTS =
      Map.of(
          "point",
          "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;",
          "join",
          """
          SELECT c.name, o.status, sum(o.total) AS total, count(DISTINCT t.id)
          FROM customers c JOIN orders o ON o.customer_id = c.id
            LEFT JOIN tickets t ON t.customer_id = c.id AND t.status <> 'solved'
          WHERE o.placed_at > now() - interval '30 days' AND c.name ILIKE '%ahn%'
          GROUP BY c.name, o.status HAVING sum(o.total) > 100 ORDER BY total DESC LIMIT 20
          """,
          "denied",
          "WITH gone AS (DELETE FROM cards WHERE expires < now() RETURNING *) SELECT * FROM gone");

  private Statements() {}

  static String text(String name) {
    return TEXTS.get(name);
  }
}
