package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.masking.ColumnPattern;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskUse;
import dev.chaperone.policy.masking.Masks;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What may be made of {@code c.ssn}, {@code c.email} (varchar) and {@code c.salary} (int). */
class DerivedColumnTest {
  private static final SqlAnalyzer ANALYZER = new SqlAnalyzer(SqlLimits.DEFAULT);
  private static final String TABLES =
      """
      relation 20001 public c r
      column 20001 1 id 23
      column 20001 2 name 25
      column 20001 3 ssn 25
      column 20001 4 email 1043
      column 20001 5 salary 23
      column 20001 6 strict 25
      column 20001 7 mixed 25
      column 20001 8 untyped 0
      relation 20002 public v v
      column 20002 1 ssn 25
      view 20002 SELECT~c.ssn~FROM~public.c;
      relation 20003 public part r
      column 20003 1 ssn 25
      ancestor 20003 20001
      relation 20004 public other r
      column 20004 1 id 23
      column 20004 2 words 25
      """;

  @AfterAll
  static void close() {
    ANALYZER.close();
  }

  private static Masks.ColumnMask mask(String column, MaskUse use) {
    return new Masks.ColumnMask(ColumnPattern.parse(column).orElseThrow(), Mask.PARTIAL, use);
  }

  private static List<SqlStatement> statements(String sql, String more, MaskUse use) {
    Catalog catalog = ColumnUsageTest.catalog(TABLES + more);
    Masks masks =
        new Masks(
            List.of(
                mask("public.c.ssn", use),
                mask("public.c.email", use),
                mask("public.c.salary", use),
                mask("public.c.untyped", use),
                mask("public.c.strict", MaskUse.STRICT),
                mask("public.c.mixed", use),
                mask("public.*.mixed", MaskUse.STRICT)),
            Map.of());
    ProtectedColumns columns = ProtectedColumns.resolve(masks, catalog, ProtectedColumns.NONE);
    SqlSession session =
        new SqlSession(catalog, "agent", List.of(List.of("public")), Set.of(), columns);
    return ((SqlAnalysis.Understood) ANALYZER.analyze(sql, session, NamedStatements.NONE))
        .statements();
  }

  private static Masking masking(String sql) {
    return statements(sql, "", MaskUse.TAINT).get(0).masking();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "lower(ssn)",
        "upper(c.ssn)",
        "btrim(ssn)",
        "ltrim(ssn)",
        "rtrim(ssn)",
        "trim(ssn)",
        "left(ssn, 3)",
        "right(ssn, 4)",
        "substr(ssn, 2)",
        "substr(ssn, 2, 3)",
        "length(ssn)",
        "char_length(ssn)",
        "octet_length(ssn)",
        "concat('a', ssn, 'b')",
        "concat_ws('-', ssn, 'b')",
        "coalesce(ssn, 'none')",
        "pg_catalog.count(ssn)",
        "pg_catalog.count(salary)",
        "pg_catalog.lower(email)",
        "left(email, 3)",
        "trim(email)",
        "concat(email, 'x')",
        "ssn || 'x'",
        "'a' || ssn || 'x'",
        "'a' || left(email, 3)",
        "upper(left(email, 1))",
        "pg_catalog.lower(ssn)",
        "length(left(email, 9))",
        "pg_catalog.length(email)",
      })
  void returnsAnExpressionThatCannotFailForAValue(String expression) {
    for (String alias : List.of("", " AS x", " x")) {
      String sql = "SELECT id, ssn, " + expression + alias + " FROM c WHERE id < 3";
      assertThat(masking(sql)).as(sql).isInstanceOf(Masking.Projects.class);
      assertThat(((Masking.Projects) masking(sql)).outputs())
          .as(sql)
          .containsExactly(Masking.Output.FREE, Masking.Output.PROTECTED, Masking.Output.DERIVED);
      assertThat(statements(sql, "", MaskUse.STRICT).get(0).masking())
          .as(sql)
          .isInstanceOf(Masking.Refused.class);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // A cast, where users have a type of that name.
        "SELECT lower(email) FROM c",
        "SELECT length(email) FROM c",
        "SELECT lower(coalesce(email, 'x')) FROM c",
        "SELECT count(ssn) FROM c",
        "SELECT concat(ssn) FROM c",
        // Not on the list, or not in that form.
        "SELECT md5(ssn) FROM c",
        "SELECT min(ssn) FROM c",
        "SELECT max(ssn) FROM c",
        "SELECT string_agg(ssn, ',') FROM c",
        "SELECT repeat(ssn, 2) FROM c",
        "SELECT reverse(ssn) FROM c",
        "SELECT ssn::text FROM c",
        "SELECT lower(ssn)::int FROM c",
        "SELECT CAST(lower(ssn) AS int) FROM c",
        "SELECT lower(ssn::text) FROM c",
        "SELECT salary + 1 FROM c",
        "SELECT 1 / length(ssn) FROM c",
        "SELECT length(ssn) + 1 FROM c",
        "SELECT lower(salary) FROM c",
        "SELECT salary || 'x' FROM c",
        "SELECT email || 'x' FROM c",
        "SELECT lower(ssn) = 'x' FROM c",
        "SELECT lower(ssn) LIKE 'x' FROM c",
        "SELECT CASE WHEN lower(ssn) = 'x' THEN 1 END FROM c",
        "SELECT coalesce(ssn, name) FROM c",
        "SELECT coalesce(ssn, (1/(id-id))::text) FROM c",
        "SELECT coalesce('x', ssn) FROM c",
        "SELECT nullif(ssn, 'x') FROM c",
        "SELECT ssn || name FROM c",
        "SELECT ssn || ssn FROM c",
        "SELECT ssn || email FROM c",
        "SELECT concat(ssn, name) FROM c",
        "SELECT concat(ssn, lower(ssn)) FROM c",
        "SELECT concat(VARIADIC ARRAY[ssn]) FROM c",
        "SELECT concat_ws(ssn, 'a', 'b') FROM c",
        "SELECT btrim(ssn, '1') FROM c",
        "SELECT trim(BOTH '1' FROM ssn) FROM c",
        "SELECT left(ssn, id) FROM c",
        "SELECT left(ssn, -1) FROM c",
        "SELECT left(ssn, $1) FROM c",
        "SELECT substr(ssn, 1, -1) FROM c",
        "SELECT substr(ssn, 2147483647, 2147483647) FROM c",
        "SELECT substr(ssn, 1, 1, 1) FROM c",
        "SELECT left(ssn) FROM c",
        "SELECT lower(ssn, 1) FROM c",
        "SELECT lower() || ssn FROM c",
        "SELECT pg_catalog.count(DISTINCT ssn) FROM c",
        "SELECT pg_catalog.count(ssn) FILTER (WHERE id = 1) FROM c",
        "SELECT pg_catalog.count(ssn) OVER () FROM c",
        "SELECT pg_catalog.count(lower(ssn)) FROM c",
        "SELECT pg_catalog.count(ssn, 1) FROM c",
        "SELECT lower(ssn COLLATE \"C\") FROM c",
        "SELECT lower(ssn) COLLATE \"C\" FROM c",
        "SELECT (lower(ssn)) FROM c",
        "SELECT ARRAY[lower(ssn)] FROM c",
        "SELECT ROW(lower(ssn)) FROM c",
        "SELECT jsonb_build_object('a', lower(ssn)) FROM c",
        "SELECT to_jsonb(c) FROM c",
        "SELECT lower(c) FROM c",
        "SELECT (c).ssn FROM c",
        "SELECT \"lower\"(ssn) FROM c",
        "SELECT public.lower(ssn) FROM c",
        "SELECT x.pg_catalog.lower(ssn) FROM c",
        "SELECT ssn OPERATOR(public.||) 'x' FROM c",
        "SELECT generate_series(1, length(ssn)) FROM c",
        "SELECT mine(ssn) FROM c",
        // In another place.
        "SELECT id FROM c WHERE lower(ssn) = 'x'",
        "SELECT c.id FROM c JOIN other ON lower(c.ssn) = other.words",
        "SELECT id FROM c ORDER BY lower(ssn)",
        "SELECT lower(ssn) FROM c ORDER BY 1",
        "SELECT lower(ssn) FROM c ORDER BY lower",
        "SELECT lower(ssn) FROM c, generate_series(1, 2) g ORDER BY lower",
        "SELECT trim(ssn) FROM c, generate_series(1, 2) g ORDER BY btrim",
        "SELECT coalesce(ssn, 'x') FROM c, generate_series(1, 2) g ORDER BY coalesce",
        "SELECT left(ssn, 1) FROM c, generate_series(1, 2) g ORDER BY \"left\"",
        "SELECT ssn || 'x' FROM c, generate_series(1, 2) g ORDER BY \"?column?\"",
        "SELECT lower(ssn) AS x FROM c ORDER BY x",
        "SELECT lower(ssn) AS x FROM c GROUP BY x",
        "SELECT lower(ssn) FROM c GROUP BY lower(ssn)",
        "SELECT lower(ssn) FROM c GROUP BY 1",
        "SELECT id FROM c GROUP BY id HAVING count(ssn) > 1",
        "SELECT DISTINCT lower(ssn) FROM c",
        "SELECT DISTINCT ON (id) lower(ssn) FROM c",
        "SELECT lower(ssn) FROM c UNION SELECT 'x'",
        "SELECT 'x' UNION ALL SELECT lower(ssn) FROM c",
        "SELECT lower(ssn) FROM c INTERSECT SELECT 'x'",
        "SELECT lower(ssn) FROM c EXCEPT SELECT 'x'",
        "SELECT id FROM c LIMIT (SELECT length(ssn) FROM c)",
        "SELECT (SELECT lower(ssn) FROM c)",
        "SELECT EXISTS (SELECT lower(ssn) FROM c)",
        "SELECT x FROM (SELECT lower(ssn) AS x FROM c) s",
        "WITH w AS (SELECT lower(ssn) AS x FROM c) SELECT x FROM w",
        "SELECT *, lower(ssn) FROM c",
        "SELECT lower(ssn), c.* FROM c",
        "SELECT lower(ssn), (other).* FROM c, other",
        "SELECT lower(ssn) FROM c JOIN (SELECT * FROM other) o ON true",
        "SELECT lower(ssn) FROM c JOIN other USING (id)",
        "SELECT lower(ssn) FROM c NATURAL JOIN other",
        "SELECT lower(ssn) FROM c, LATERAL (SELECT 1) l",
        "SELECT lower(ssn) INTO t FROM c",
        "(SELECT lower(ssn) FROM c)",
        "VALUES ((SELECT lower(ssn) FROM c))",
        "INSERT INTO other SELECT 1, lower(ssn) FROM c",
        "UPDATE c SET id = 1 RETURNING lower(ssn)",
        "DELETE FROM c RETURNING lower(ssn)",
        "WITH d AS (DELETE FROM other RETURNING id) SELECT lower(ssn) FROM c",
        "CREATE TABLE t AS SELECT lower(ssn) FROM c",
        "CREATE VIEW w AS SELECT lower(ssn) FROM c",
        "COPY (SELECT lower(ssn) FROM c) TO STDOUT",
        "DECLARE k CURSOR FOR SELECT lower(ssn) FROM c",
        "PREPARE p AS SELECT lower(ssn) FROM c",
        "EXPLAIN SELECT lower(ssn) FROM c",
        // Other columns.
        "SELECT lower(strict) FROM c",
        "SELECT lower(mixed) FROM c",
        "SELECT lower(untyped) FROM c",
        "SELECT lower(ssn) FROM v",
        "SELECT lower(ssn), lower(strict) FROM c",
      })
  void refusesWhatIsNotOnTheList(String sql) {
    assertThat(masking(sql)).as(sql).isInstanceOf(Masking.Refused.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "SELECT lower(email) FROM c; with their schema in pg_catalog.lower",
        "SELECT md5(ssn) FROM c; lower, upper, btrim",
        "SELECT salary + 1 FROM c; pg_catalog.count(salary)",
        "SELECT lower(strict) FROM c; no expression",
      })
  void aRefusalNamesWhatWouldBeAllowedOfTheColumn(String sql, String hint) {
    assertThat(((Masking.Refused) masking(sql)).hint()).contains(hint);
  }

  @Test
  void aPartitionIsAsItsTable() {
    assertThat(masking("SELECT lower(ssn) FROM part").derives()).isTrue();
  }

  @Test
  void aBareColumnComesThroughQueriesInFromAndWith() {
    assertThat(masking("SELECT lower(x) FROM (SELECT ssn AS x FROM c) s").derives()).isTrue();
    assertThat(masking("WITH w AS (SELECT ssn FROM c) SELECT lower(ssn) FROM w").derives())
        .isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "function public lower false false",
        "function other lower true false",
        "function pg_catalog lower false false",
      })
  void refusesAFunctionThatAUserObjectMayShadow(String line) {
    assertThat(statements("SELECT lower(ssn) FROM c", line, MaskUse.TAINT).get(0).masking())
        .isInstanceOf(Masking.Refused.class);
    assertThat(statements("SELECT upper(ssn) FROM c", line, MaskUse.TAINT).get(0).masking())
        .isInstanceOf(Masking.Projects.class);
  }

  @Test
  void refusesAnOperatorThatUsersHaveOverloaded() {
    assertThat(
            statements("SELECT ssn || 'x' FROM c", "operator public ||", MaskUse.TAINT)
                .get(0)
                .masking())
        .isInstanceOf(Masking.Refused.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "CREATE OPERATOR public.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = to_number)",
        "CREATE AGGREGATE lower(varchar) (SFUNC = textcat, STYPE = text)",
        "CREATE OR REPLACE AGGREGATE lower(varchar) (SFUNC = textcat, STYPE = text)",
        "CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT 1'",
        "ALTER FUNCTION f(varchar) RENAME TO lower",
        "ALTER ROUTINE f(varchar) RENAME TO lower",
        "ALTER FUNCTION other.lower(varchar) SET SCHEMA public",
        "CREATE CAST (text AS mine) WITH INOUT AS IMPLICIT",
        "CREATE EXTENSION orafce",
      })
  void refusesDefinitionsThatMayChangeWhatAnExpressionCalls(String sql) {
    assertThat(masking(sql)).isInstanceOf(Masking.Refused.class);
    assertThat(statements("CREATE TABLE t (id int)", "", MaskUse.TAINT).get(0).masking())
        .isInstanceOf(Masking.Untouched.class);
  }

  @Test
  void definitionsAreAsTheyWereWhereAllMasksAreStrict() {
    String sql = "ALTER FUNCTION f(varchar) RENAME TO lower";
    assertThat(statements(sql, "", MaskUse.STRICT).get(0).masking())
        .isInstanceOf(Masking.Untouched.class);
  }

  @Test
  void refusesInATextOfSeveralStatements() {
    List<Masking> maskings = new ArrayList<>();
    statements("SET search_path = public; SELECT lower(ssn) FROM c", "", MaskUse.TAINT)
        .forEach(statement -> maskings.add(statement.masking()));
    assertThat(maskings.get(1)).isInstanceOf(Masking.Refused.class);
  }
}
