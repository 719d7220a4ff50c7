package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.masking.ColumnPattern;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskPredicates;
import dev.chaperone.policy.masking.MaskUse;
import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The whole analysis, with its grammar and its masked columns: it always answers, and says the same
 * of a statement and of its canonical text.
 */
class SqlAnalyzerFuzzTest extends FuzzTest {
  private static final SqlAnalyzer ANALYZER = new SqlAnalyzer(SqlLimits.DEFAULT);
  private static final Catalog CATALOG =
      ColumnUsageTest.catalog(
          """
          relation 20001 public customers r
          column 20001 1 id 23
          column 20001 2 name 25
          column 20001 3 ssn 25
          relation 20002 public orders r
          column 20002 1 id 23
          column 20002 2 note 25
          relation 20003 public v v
          column 20003 1 shown 25
          view 20003 SELECT~customers.ssn~AS~shown~FROM~public.customers;
          """);
  private static final SqlSession SESSION =
      new SqlSession(
          CATALOG,
          "agent",
          List.of(List.of("public"), List.of("pg_temp")),
          Set.of("scratch"),
          ProtectedColumns.resolve(
              new Masks(
                  List.of(
                      new Masks.ColumnMask(
                          ColumnPattern.parse("public.customers.ssn").orElseThrow(),
                          Mask.PARTIAL,
                          MaskUse.TAINT,
                          MaskPredicates.ALLOW)),
                  Map.of()),
              CATALOG,
              ProtectedColumns.NONE));

  @Override
  protected List<byte[]> seeds() {
    return texts(
        "SELECT c.ssn, lower(ssn), o.note FROM customers c JOIN orders o USING (id) WHERE c.id = $1",
        "WITH w AS (SELECT * FROM v) SELECT DISTINCT shown FROM w GROUP BY 1 ORDER BY 1 LIMIT 3",
        "INSERT INTO customers (id, ssn) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET ssn ="
            + " EXCLUDED.ssn RETURNING id",
        "UPDATE customers SET (name, ssn) = ('a', 'b') FROM orders o WHERE o.id = customers.id",
        "CREATE TEMP TABLE scratch AS SELECT id, name FROM customers; DROP TABLE scratch",
        "MERGE INTO orders USING customers c ON c.id = orders.id WHEN MATCHED THEN DELETE",
        "SET LOCAL search_path = public, 'x'; COPY (TABLE orders) TO STDOUT; SHOW work_mem",
        "PREPARE p (int) AS SELECT $1; EXECUTE p(1); DECLARE c CURSOR FOR SELECT 1; FETCH c",
        "DO $$BEGIN END$$; GRANT SELECT ON orders TO PUBLIC; ALTER TABLE orders ADD x int",
        "EXPLAIN (ANALYZE, BUFFERS) SELECT count(*) FILTER (WHERE id > 1) OVER w FROM orders"
            + " WINDOW w AS (PARTITION BY note)",
        "SELECT id, ssn FROM customers WHERE (ssn = 'x' OR NOT ssn IN ('y', $1)) AND ssn BETWEEN 'a'"
            + " AND 'b' GROUP BY id, ssn HAVING ssn IS NOT NULL ORDER BY ssn DESC NULLS LAST",
        "SELECT (SELECT max(id) FROM orders o, LATERAL f(o) AS g (x)), ARRAY[1]::int[], ROW(c.*)"
            + " FROM customers c");
  }

  @Override
  protected List<String> words() {
    return List.of(
        "select",
        "from",
        "where",
        "with",
        "recursive",
        "union all",
        "join",
        "natural",
        "lateral",
        "using (id)",
        "on",
        "group by",
        "order by",
        "having",
        "distinct",
        "returning",
        "insert into",
        "update",
        "delete",
        "merge",
        "values",
        "table",
        "as",
        "create",
        "alter",
        "drop",
        "rule",
        "view",
        "customers",
        "orders",
        "ssn",
        "c.*",
        "*",
        "(",
        ")",
        ",",
        ".",
        "::",
        "operator",
        "'a'",
        "\"b\"",
        "$1",
        ";",
        "case when",
        "end",
        "over",
        "filter",
        "array[",
        "]",
        "copy",
        "explain");
  }

  @Override
  protected void fuzz(byte[] input) {
    String text = new FuzzInput(input).text();
    SqlAnalysis analysis = ANALYZER.analyze(text, SESSION, NamedStatements.NONE);
    if (!(analysis instanceof SqlAnalysis.Understood understood)
        || understood.statements().size() != 1) {
      return;
    }
    SqlStatement statement = understood.statements().get(0);
    if (statement.canonical().indexOf('"') >= 0) {
      // A word that needs quotes in canonical text is no key word any more.
      return;
    }
    SqlAnalysis again = ANALYZER.analyze(statement.canonical(), SESSION, NamedStatements.NONE);
    assertThat(again).isInstanceOf(SqlAnalysis.Understood.class);
    assertThat(((SqlAnalysis.Understood) again).statements()).containsExactly(statement);
  }
}
