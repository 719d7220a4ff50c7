package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.masking.ColumnPattern;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.Masks;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Masked are {@code customers.ssn, .email, .salary} and {@code users.name}. */
class ColumnUsageTest {
  private static final SqlAnalyzer ANALYZER = new SqlAnalyzer(SqlLimits.DEFAULT);
  private static final Catalog CATALOG =
      catalog(
          """
          relation 20001 public customers r
          column 20001 1 id 23
          column 20001 2 name 25
          column 20001 3 email 25
          column 20001 4 ssn 25
          column 20001 6 salary 23
          column 20001 7 notes 25
          relation 20002 public orders r
          column 20002 1 id 23
          column 20002 2 customer_id 23
          column 20002 3 amount 23
          column 20002 4 email 25
          relation 20003 public users r
          column 20003 1 id 23
          column 20003 2 name 25
          relation 20004 public v_customers v
          column 20004 1 id 23
          column 20004 2 tax_id 23
          column 20004 3 shown 25
          view 20004 SELECT~customers.id,~customers.ssn~AS~tax_id,~lower(customers.name)~AS~shown~FROM~public.customers;
          relation 20005 public part r
          column 20005 1 id 23
          column 20005 2 ssn 25
          ancestor 20005 20001
          relation 20006 other customers r
          column 20006 1 id 23
          column 20006 2 ssn 25
          schema other
          """);
  private static final ProtectedColumns COLUMNS =
      resolve(
          CATALOG,
          "public.customers.ssn",
          "public.customers.email",
          "public.customers.salary",
          "public.users.name");

  @AfterAll
  static void close() {
    ANALYZER.close();
  }

  static Catalog catalog(String lines) {
    try {
      StringWriter text = new StringWriter();
      Catalog.builtIn().write(text);
      String all = text.toString().replace("\nopen\n", "\n");
      StringBuilder more = new StringBuilder(all);
      for (String line : lines.strip().split("\n", -1)) {
        more.append(line.replace(' ', '\t').replace('~', ' ')).append('\n');
      }
      return Catalog.read(new StringReader(more.toString()));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  static ProtectedColumns resolve(Catalog catalog, String... patterns) {
    return ProtectedColumns.resolve(masks(patterns), catalog, ProtectedColumns.NONE);
  }

  static Masks masks(String... patterns) {
    return new Masks(
        Arrays.stream(patterns)
            .map(p -> new Masks.ColumnMask(ColumnPattern.parse(p).orElseThrow(), Mask.HASH))
            .toList(),
        java.util.Map.of());
  }

  private static SqlAnalysis.Understood analyze(String sql) {
    return (SqlAnalysis.Understood)
        ANALYZER.analyze(
            sql,
            new SqlSession(CATALOG, "agent", List.of(List.of("public")), Set.of(), COLUMNS),
            NamedStatements.NONE);
  }

  private static Masking masking(String sql) {
    return analyze(sql).statements().get(0).masking();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "SELECT ssn FROM customers | ssn",
        "SELECT c.ssn FROM customers c | ssn",
        "SELECT customers.ssn FROM customers | ssn",
        "SELECT public.customers.ssn FROM public.customers | ssn",
        "SELECT ssn AS harmless FROM customers | harmless",
        "SELECT ssn harmless, id FROM customers | harmless",
        "SELECT \"ssn\" FROM \"customers\" | ssn",
        "SELECT U&\"\\0073sn\" FROM customers | ssn",
        "SELECT * FROM customers | email,ssn,salary",
        "SELECT c.* FROM customers c, orders o | email,ssn,salary",
        "TABLE customers | email,ssn,salary",
        "SELECT x FROM (SELECT ssn AS x FROM customers WHERE id = 1) s | x",
        "SELECT s.* FROM (SELECT ssn AS x, id FROM customers) s | x",
        "WITH s AS (SELECT ssn FROM customers) SELECT ssn FROM s | ssn",
        "WITH s AS MATERIALIZED (SELECT * FROM customers) SELECT id, email FROM s t | email",
        "SELECT tax_id, shown FROM v_customers | tax_id",
        "SELECT ssn FROM part | ssn",
        "SELECT id, ssn FROM customers WHERE id = $1 ORDER BY id DESC LIMIT 10 OFFSET 2 | ssn",
        "SELECT ssn FROM customers ORDER BY customers.id FETCH FIRST 5 ROWS ONLY | ssn",
        "SELECT ssn, row_number() OVER (ORDER BY id) FROM customers | ssn",
        "SELECT c.ssn, o.amount FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.amount > 5 | ssn",
        "SELECT c.ssn, o.email FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.email LIKE '%x' | ssn",
        "SELECT ssn FROM customers JOIN orders USING (id) | ssn",
        "SELECT x.* FROM customers c, LATERAL (SELECT c.*) x | email,ssn,salary",
        "SELECT ssn FROM customers FOR UPDATE | ssn",
        "(SELECT ssn FROM customers) LIMIT 1 | ssn",
        "UPDATE customers SET name = 'x' WHERE id = 1 RETURNING ssn, id | ssn",
        "DELETE FROM orders USING customers c WHERE c.id = orders.customer_id RETURNING c.ssn | ssn",
        "INSERT INTO customers (id, name) VALUES (1, 'x') RETURNING * | email,ssn,salary",
        "WITH u AS (UPDATE customers SET name = name WHERE id = 1 RETURNING ssn) SELECT * FROM u | ssn",
        "SELECT id, ssn FROM customers ORDER BY 1 | ssn",
        "SELECT ssn FROM customers WHERE EXISTS (SELECT * FROM orders o WHERE o.customer_id = customers.id) | ssn",
        "SELECT query FROM pg_stat_activity | query",
      })
  void aBareColumnIsReturned(String sql, String columns) {
    assertThat(masking(sql))
        .isInstanceOfSatisfying(
            Masking.Projects.class,
            p -> assertThat(p.columns()).containsExactly(columns.split(",", -1)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT id, name FROM customers WHERE name LIKE 'A%' ORDER BY name",
        "SELECT count(*) FROM customers",
        "SELECT count(*) FROM customers GROUP BY name HAVING count(*) > 1",
        "SELECT DISTINCT name FROM customers",
        "SELECT id FROM customers UNION SELECT id FROM orders",
        "SELECT o.email FROM orders o JOIN customers c ON c.id = o.customer_id ORDER BY o.email",
        "SELECT o.id FROM orders o WHERE o.customer_id IN (SELECT id FROM customers WHERE name = 'x')",
        "SELECT lower(email) FROM orders WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = customer_id)",
        "SELECT CASE WHEN c.name IS NULL THEN 1 ELSE 2 END label FROM customers c",
        "SELECT extract(year FROM now()), c.id::text AS t FROM customers c",
        "SELECT date '2024-01-01', interval '1 day' AS i, c.id FROM customers c",
        "SELECT c.id IS DISTINCT FROM 5 AS d FROM customers c",
        "SELECT count(*) n FROM customers c CROSS JOIN generate_series(1, 3) AS g (i)",
        "SELECT sum(id) FILTER (WHERE name = 'x') OVER w FROM customers WINDOW w AS (PARTITION BY name)",
        "UPDATE customers SET ssn = '123-45-6789', name = upper(name) WHERE id = 7",
        "UPDATE customers c SET ssn = $1 FROM orders o WHERE o.customer_id = c.id",
        "INSERT INTO customers (id, ssn) VALUES (1, 'x'), (2, DEFAULT)",
        "INSERT INTO customers (id, ssn) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET ssn = EXCLUDED.ssn",
        "INSERT INTO customers VALUES (1, 'n', 'e', 's', 1, NULL) ON CONFLICT DO NOTHING",
        "INSERT INTO customers (id, name) SELECT id, 'x' FROM orders",
        "DELETE FROM customers WHERE id = 1",
        "EXPLAIN SELECT id FROM customers WHERE id = 1",
        "PREPARE p AS SELECT ssn FROM customers",
        "DECLARE c CURSOR FOR SELECT ssn FROM customers",
        "COPY customers (id, name) TO STDOUT",
        "COPY customers FROM STDIN",
        "TRUNCATE customers",
        "ANALYZE customers",
        "LOCK TABLE customers",
        "SELECT count(*) FROM pg_stat_activity",
        "SELECT pid, state FROM pg_stat_activity WHERE state = 'active'",
      })
  void otherColumnsOfTheTableAreFree(String sql) {
    assertThat(masking(sql))
        .isInstanceOfSatisfying(Masking.Projects.class, p -> assertThat(p.columns()).isEmpty());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT lower(ssn) FROM customers",
        "SELECT ssn || '' FROM customers",
        "SELECT ssn::text FROM customers",
        "SELECT CAST(ssn AS text) FROM customers",
        "SELECT (ssn) FROM customers",
        "SELECT @salary FROM customers",
        "SELECT -salary FROM customers",
        "SELECT salary#0 FROM customers",
        "SELECT ssn IS NULL FROM customers",
        "SELECT ssn COLLATE \"C\" FROM customers",
        "SELECT ARRAY[ssn] FROM customers",
        "SELECT ARRAY(SELECT ssn FROM customers)",
        "SELECT (SELECT ssn FROM customers LIMIT 1)",
        "SELECT min(ssn) FROM customers",
        "SELECT count(ssn) FROM customers",
        "SELECT count(DISTINCT c.ssn) FROM customers c",
        "SELECT string_agg(ssn, ',') FROM customers",
        "SELECT mode() WITHIN GROUP (ORDER BY ssn) FROM customers",
        "SELECT count(*) FILTER (WHERE salary > 5) FROM customers",
        "SELECT rank() OVER (ORDER BY salary) FROM customers",
        "SELECT rank() OVER w FROM customers WINDOW w AS (ORDER BY salary)",
        "SELECT c FROM customers c",
        "SELECT customers FROM customers",
        "SELECT (c).ssn FROM customers c",
        "SELECT (c).* FROM customers c",
        "SELECT ROW(c.*) FROM customers c",
        "SELECT row_to_json(c) FROM customers c",
        "SELECT c.row_to_json FROM customers c",
        "SELECT count(c.*) FROM customers c",
        "SELECT to_jsonb(c) - 'ssn' FROM customers c",
        "SELECT ssn(c) FROM customers c",
        "SELECT json_agg(s) FROM (SELECT * FROM customers) s",
        "SELECT DISTINCT ssn FROM customers",
        "SELECT DISTINCT * FROM customers",
        "SELECT DISTINCT ON (ssn) id FROM customers",
        "SELECT DISTINCT ON (id) ssn FROM customers",
        "SELECT id FROM customers WHERE ssn = '1'",
        "SELECT id FROM customers WHERE email = $1",
        "SELECT id FROM customers WHERE customers.salary BETWEEN 1 AND 2",
        "SELECT id FROM customers ORDER BY ssn",
        "SELECT ssn AS x FROM customers ORDER BY x",
        "SELECT ssn FROM customers ORDER BY 1",
        "SELECT *, 1 FROM customers ORDER BY 1",
        "SELECT count(*) FROM customers GROUP BY ssn",
        "SELECT ssn, count(*) FROM customers GROUP BY 1",
        "SELECT count(*) FROM customers HAVING max(ssn) > 'a'",
        "SELECT 1 FROM customers LIMIT (SELECT salary FROM customers LIMIT 1)",
        "SELECT 1 FROM customers c JOIN orders o ON o.email = c.email",
        "SELECT 1 FROM customers JOIN orders USING (email)",
        "SELECT * FROM customers NATURAL JOIN orders",
        "SELECT ssn FROM customers UNION SELECT 'x'",
        "SELECT 'x' UNION ALL SELECT ssn FROM customers",
        "SELECT ssn FROM customers EXCEPT SELECT 'x'",
        "SELECT id FROM (SELECT id, ssn FROM customers UNION ALL SELECT 0, 'x') x ORDER BY ssn",
        "WITH s (a) AS (SELECT ssn FROM customers) SELECT a FROM s",
        "WITH RECURSIVE s AS (SELECT ssn FROM customers UNION ALL SELECT ssn FROM s) SELECT * FROM s",
        "WITH s AS (SELECT ssn AS x FROM customers) SELECT lower(x) FROM s",
        "WITH s AS (SELECT ssn AS x FROM customers) SELECT s FROM s",
        "WITH customers AS (SELECT ssn AS name FROM customers) SELECT lower(name) FROM customers",
        "SELECT lower(x) FROM (SELECT ssn AS x FROM customers) s",
        "SELECT a FROM customers AS c (a, b, d, e)",
        "SELECT s.a FROM (SELECT ssn FROM customers) s (a)",
        "SELECT j.a FROM (customers c JOIN orders o ON true) j (a)",
        "SELECT lower(tax_id) FROM v_customers",
        "SELECT id FROM part WHERE ssn = 'x'",
        "SELECT x FROM customers c, LATERAL (SELECT c.ssn || '' AS x) l",
        "SELECT g FROM customers c, generate_series(1, c.salary) g",
        "SELECT 1 FROM orders TABLESAMPLE BERNOULLI (50) REPEATABLE ((SELECT salary FROM customers))",
        "SELECT 1 FROM customers c JOIN (VALUES ('x')) v (x) ON v.x = c.ssn",
        "SELECT unknown_column FROM customers",
        "SELECT lower(unknown_column) FROM customers",
        "SELECT c.unknown_column FROM customers c",
        "SELECT 1 ssn FROM customers",
        "SELECT 1 OPERATOR(pg_catalog.+) salary FROM customers",
        "SELECT (1) OPERATOR(pg_catalog.+) salary FROM customers",
        "INSERT INTO orders (email) SELECT ssn FROM customers",
        "INSERT INTO orders SELECT * FROM customers",
        "INSERT INTO orders (email) VALUES ((SELECT ssn FROM customers LIMIT 1))",
        "INSERT INTO customers (id) VALUES (1) ON CONFLICT (ssn) DO NOTHING",
        "INSERT INTO customers (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = customers.ssn",
        "INSERT INTO customers (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.ssn",
        "INSERT INTO customers (id) VALUES (1) RETURNING lower(ssn)",
        "UPDATE customers SET name = ssn",
        "UPDATE customers SET name = 'x' WHERE ssn = 'y'",
        "UPDATE customers SET (name, notes) = (SELECT ssn, ssn FROM customers LIMIT 1)",
        "UPDATE orders SET email = c.email FROM customers c",
        "DELETE FROM customers WHERE ssn LIKE '1%'",
        "DELETE FROM orders USING customers c WHERE c.email = orders.email",
        "MERGE INTO orders o USING customers c ON o.id = c.id WHEN MATCHED THEN DELETE",
        "SELECT ssn INTO copied FROM customers",
        "CREATE TABLE copied AS SELECT * FROM customers",
        "CREATE TEMP VIEW v AS SELECT ssn FROM customers",
        "CREATE MATERIALIZED VIEW v AS SELECT ssn FROM customers",
        "CREATE INDEX i ON customers (lower(ssn))",
        "CREATE RULE r AS ON INSERT TO orders DO ALSO SELECT ssn FROM customers",
        "ALTER TABLE customers RENAME ssn TO foo",
        "ALTER TABLE customers ADD g text GENERATED ALWAYS AS (lower(ssn)) STORED",
        "EXPLAIN SELECT ssn FROM customers",
        "EXPLAIN ANALYZE SELECT * FROM customers",
        "PREPARE p AS SELECT lower(ssn) FROM customers",
        "INSERT INTO orders (id[(SELECT salary FROM customers LIMIT 1)]) VALUES (1)",
        "UPDATE orders SET amount[(SELECT salary FROM customers LIMIT 1)] = 1",
        "UPDATE orders SET (amount[(SELECT salary FROM customers LIMIT 1)], id) = (1, 2)",
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ssn FROM customers'",
        "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TRIGGER t AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE FOREIGN TABLE f (ssn text) SERVER s",
        "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw",
        "IMPORT FOREIGN SCHEMA public FROM SERVER s INTO public",
        "DECLARE c CURSOR FOR SELECT ssn || '' FROM customers",
        "COPY customers TO STDOUT",
        "COPY customers (id, ssn) TO STDOUT",
        "COPY (SELECT ssn FROM customers) TO STDOUT",
        "COPY (SELECT row_to_json(c) FROM customers c) TO STDOUT",
        "SELECT query_to_xml('SELECT ssn FROM customers', true, true, '')",
        "SELECT table_to_xml('customers', true, true, '')",
        "SELECT * FROM pg_stats",
        "SELECT stavalues1 FROM pg_statistic",
        "SELECT pid FROM pg_stat_activity WHERE query LIKE '%x%'",
        "SELECT lower(a.query) FROM pg_stat_activity a",
      })
  void everyOtherUseIsRefused(String sql) {
    assertThat(masking(sql)).as(sql).isInstanceOf(Masking.Refused.class);
    assertThat(analyze(sql).maskingRefusal()).isPresent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT 1",
        "SELECT lower(email) FROM orders WHERE email = 'x' GROUP BY 1",
        "SELECT ssn FROM other.customers WHERE ssn = 'x'",
        "UPDATE orders SET email = 'x' RETURNING *",
        "SELECT * FROM pg_class",
        "BEGIN",
      })
  void whatTouchesNoneIsUntouched(String sql) {
    assertThat(masking(sql)).isInstanceOf(Masking.Untouched.class);
  }

  @Test
  void literalsAndParametersForMaskedColumnsAreHidden() {
    assertThat(masking("INSERT INTO customers (id, ssn) VALUES ($1, $2), (5, $3)"))
        .isEqualTo(new Masking.Projects(List.of(), Set.of(2, 3), false));
    assertThat(masking("INSERT INTO customers (id, ssn) VALUES (1, 'x')"))
        .isEqualTo(new Masking.Projects(List.of(), Set.of(), true));
    assertThat(masking("INSERT INTO customers (ssn, id) VALUES (upper($1), 'x')"))
        .isEqualTo(new Masking.Projects(List.of(), Set.of(1), false));
    assertThat(masking("INSERT INTO customers VALUES (1, 'n', $1, $2, $3, $4)"))
        .isEqualTo(new Masking.Projects(List.of(), Set.of(1, 2, 3), false));
    assertThat(masking("UPDATE customers SET name = $1, ssn = $2, email = 'a' WHERE id = $3"))
        .isEqualTo(new Masking.Projects(List.of(), Set.of(2), true));
    assertThat(masking("UPDATE customers SET (name, ssn) = ($1, $2)"))
        .isEqualTo(new Masking.Projects(List.of(), Set.of(1, 2), false));
    assertThat(masking("INSERT INTO customers (ssn) SELECT $1"))
        .isEqualTo(new Masking.Projects(List.of(), Set.of(1), false));
    assertThat(masking("SELECT ssn FROM customers WHERE name = 'x'").hidesLiterals()).isFalse();
    assertThat(masking("SELECT id FROM customers WHERE ssn = 'x'").hidesLiterals()).isTrue();
  }

  @Test
  void aTextCanBeShownWithoutItsLiterals() {
    assertThat(
            TextWithoutLiterals.of(
                "UPDATE customers /* 7 */ SET ssn = E'12\\'3', salary = 5.5, a = $1, b = X'ff'",
                150004))
        .isEqualTo("update customers set ssn = '...', salary = '...', a = $1, b = '...'");
    assertThat(TextWithoutLiterals.of("SELECT 'open", 150004)).doesNotContain("open");
  }

  @Test
  void anExecuteIsWhatItExecutes() {
    SqlStatement prepared =
        ((SessionEffect.Prepares)
                analyze("PREPARE p AS SELECT ssn FROM customers")
                    .statements()
                    .get(0)
                    .effects()
                    .get(0))
            .body();
    SqlStatement plain =
        ((SessionEffect.Prepares)
                analyze("PREPARE p AS SELECT id FROM customers")
                    .statements()
                    .get(0)
                    .effects()
                    .get(0))
            .body();
    assertThat(execute(List.of(prepared)))
        .isEqualTo(new Masking.Projects(List.of("ssn"), Set.of(), false));
    assertThat(execute(List.of(prepared, prepared)))
        .isEqualTo(new Masking.Projects(List.of("ssn"), Set.of(), false));
    assertThat(execute(List.of(prepared, plain))).isInstanceOf(Masking.Refused.class);
  }

  private static Masking execute(List<SqlStatement> candidates) {
    NamedStatements names =
        new NamedStatements() {
          @Override
          public List<SqlStatement> prepared(String name) {
            return candidates;
          }

          @Override
          public List<SqlStatement> cursor(String name) {
            return List.of();
          }
        };
    SqlSession session =
        new SqlSession(CATALOG, "agent", List.of(List.of("public")), Set.of(), COLUMNS);
    return ((SqlAnalysis.Understood) ANALYZER.analyze("EXECUTE p", session, names))
        .statements()
        .get(0)
        .masking();
  }

  @Test
  void aNameThatMayBeOneOfSeveralTablesIsRefused() {
    SqlSession two =
        new SqlSession(
            CATALOG, "agent", List.of(List.of("public"), List.of("other")), Set.of(), COLUMNS);
    SqlAnalysis.Understood analysis =
        (SqlAnalysis.Understood)
            ANALYZER.analyze("SELECT id FROM customers", two, NamedStatements.NONE);
    assertThat(analysis.maskingRefusal()).isPresent();
    analysis =
        (SqlAnalysis.Understood)
            ANALYZER.analyze("SELECT ssn FROM public.customers", two, NamedStatements.NONE);
    assertThat(analysis.maskingRefusal()).isEmpty();
  }

  @Test
  void aPositionDependsOnItsLiteral() {
    assertThat(analyze("SELECT id, ssn FROM customers ORDER BY 1").dependencies())
        .contains(dev.chaperone.policy.Dependency.LITERALS);
    assertThat(analyze("SELECT id, ssn FROM customers ORDER BY 2").dependencies())
        .contains(dev.chaperone.policy.Dependency.LITERALS);
    assertThat(analyze("SELECT id, ssn FROM customers WHERE id = 2").dependencies()).isEmpty();
  }

  @Test
  void nothingIsLookedAtWhereNothingIsMasked() {
    SqlSession session = new SqlSession(CATALOG, "agent", List.of(List.of("public")), Set.of());
    SqlAnalysis.Understood analysis =
        (SqlAnalysis.Understood)
            ANALYZER.analyze("SELECT lower(ssn) FROM customers", session, NamedStatements.NONE);
    assertThat(analysis.statements().get(0).masking()).isInstanceOf(Masking.Untouched.class);
  }
}
