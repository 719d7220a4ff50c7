package dev.chaperone.benchmarks.decision;

import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

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
          "WITH gone AS (DELETE FROM cards WHERE expires < now() RETURNING *) SELECT * FROM gone",
          "1k",
          listed(115),
          "100k",
          listed(12_800));

  private Statements() {}

  /** A query that names so many rows, eight bytes each. */
  private static String listed(int count) {
    return IntStream.range(0, count)
        .mapToObj(n -> Integer.toString(100_000 + n))
        .collect(Collectors.joining(", ", "SELECT name FROM customers WHERE id IN (", ")"));
  }

  static String text(String name) {
    return TEXTS.get(name);
  }
}
