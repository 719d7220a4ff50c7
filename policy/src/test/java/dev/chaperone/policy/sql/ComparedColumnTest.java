package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.masking.ColumnPattern;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskPredicates;
import dev.chaperone.policy.masking.MaskUse;
import dev.chaperone.policy.masking.Masks;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where masked columns with {@code predicates: Allow} may be used, and where not. */
class ComparedColumnTest {
  private static final SqlAnalyzer ANALYZER = new SqlAnalyzer(SqlLimits.DEFAULT);
  private static final String TABLES =
      """
      relation 20001 public c r
      column 20001 1 id 23
      column 20001 2 name 25
      column 20001 3 ssn 25
      column 20001 4 email 1043
      column 20001 5 salary 1700
      column 20001 6 strict 25
      column 20001 7 mixed 25
      column 20001 8 own 20500
      column 20001 9 ok 16
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

  private static Masks.ColumnMask mask(String column, MaskPredicates predicates) {
    return new Masks.ColumnMask(
        ColumnPattern.parse(column).orElseThrow(), Mask.PARTIAL, MaskUse.TAINT, predicates);
  }

  private static List<SqlStatement> statements(String sql, String more, MaskPredicates predicates) {
    Catalog catalog = ColumnUsageTest.catalog(TABLES + more);
    Masks masks =
        new Masks(
            List.of(
                mask("public.c.ssn", predicates),
                mask("public.c.email", predicates),
                mask("public.c.salary", predicates),
                mask("public.c.own", predicates),
                mask("public.c.ok", predicates),
                mask("public.c.strict", MaskPredicates.REFUSE),
                mask("public.c.mixed", predicates),
                mask("public.*.mixed", MaskPredicates.REFUSE)),
            Map.of());
    ProtectedColumns columns = ProtectedColumns.resolve(masks, catalog, ProtectedColumns.NONE);
    SqlSession session =
        new SqlSession(catalog, "agent", List.of(List.of("public")), Set.of(), columns);
    return ((SqlAnalysis.Understood) ANALYZER.analyze(sql, session, NamedStatements.NONE))
        .statements();
  }

  private static Masking masking(String sql) {
    return statements(sql, "", MaskPredicates.ALLOW).get(0).masking();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT id FROM c WHERE ssn = 'x'",
        "SELECT id FROM c WHERE 'x' = c.ssn",
        "SELECT id FROM c WHERE public.c.ssn != $1",
        "SELECT id FROM c WHERE ssn < 'x' AND (id = 1 OR NOT ssn >= 'y')",
        "SELECT id FROM c WHERE ((ssn <= 'x'))",
        "SELECT id FROM c WHERE ssn > name",
        "SELECT id FROM c WHERE name = ssn",
        "SELECT id FROM c WHERE ssn = email",
        "SELECT id FROM c WHERE ssn IS NULL OR email IS NOT NULL",
        "SELECT id FROM c WHERE ssn IS DISTINCT FROM 'x' AND ssn IS NOT DISTINCT FROM name",
        "SELECT id FROM c WHERE ssn IN ('x', $1, 'y') AND email NOT IN ('z')",
        "SELECT id FROM c WHERE ssn BETWEEN 'x' AND 'y' AND ssn NOT BETWEEN 'a' AND 'b'",
        "SELECT id FROM c WHERE id BETWEEN 1 AND 2 AND ssn = 'x'",
        "SELECT id FROM c WHERE salary > -1.5 AND salary = '7' AND 3 <> salary",
        "SELECT id FROM c WHERE ok = true",
        "SELECT o.id FROM c JOIN other o ON c.ssn = o.words AND o.id = 1",
        "SELECT o.id FROM other o LEFT JOIN (c JOIN c d ON c.ssn = d.ssn) ON o.id = c.id",
        "SELECT id FROM c WHERE EXISTS (SELECT 1 FROM other WHERE words = c.ssn)",
        "SELECT (SELECT count(*) FROM c WHERE ssn = 'x')",
        "SELECT id FROM c ORDER BY ssn",
        "SELECT id, ssn FROM c ORDER BY id, c.ssn DESC NULLS LAST, email ASC LIMIT 1",
        "SELECT ssn AS x FROM c ORDER BY x NULLS FIRST",
        "SELECT ssn, count(*) FROM c GROUP BY ssn HAVING ssn > 'x' AND count(*) > 1",
        "SELECT count(*) FROM c GROUP BY id, email",
        "SELECT id FROM (SELECT id, ssn AS x FROM c) s WHERE x = 'y'",
        "WITH w AS (SELECT id, ssn FROM c) SELECT id FROM w WHERE ssn = 'y'",
        "SELECT ssn FROM part WHERE ssn = 'x'",
        "SELECT id, ssn, lower(ssn) FROM c WHERE ssn = 'x'",
        "SELECT DISTINCT id FROM c WHERE ssn = 'x'",
      })
  void comparesByItselfAndNowhereElse(String sql) {
    assertThat(masking(sql)).as(sql).isInstanceOf(Masking.Projects.class);
    assertThat(masking(sql).compares()).as(sql).isTrue();
    assertThat(statements(sql, "", MaskPredicates.REFUSE).get(0).masking())
        .as(sql)
        .isInstanceOf(Masking.Refused.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // An expression on the way to the comparison, which may fail or do something for a value.
        "SELECT id FROM c WHERE lower(ssn) = 'x'",
        "SELECT id FROM c WHERE ssn || 'a' = 'xa'",
        "SELECT id FROM c WHERE 'a' || ssn = 'ax'",
        "SELECT id FROM c WHERE name || ssn = 'x'",
        "SELECT id FROM c WHERE ssn = 'x' || ssn",
        "SELECT id FROM c WHERE ssn = 'x' || name",
        "SELECT id FROM c WHERE ssn::int = 1",
        "SELECT id FROM c WHERE CAST(ssn AS int) = 1",
        "SELECT id FROM c WHERE 1 = ssn::int",
        "SELECT id FROM c WHERE ssn = 'x'::own",
        "SELECT id FROM c WHERE ssn = lower('x')",
        "SELECT id FROM c WHERE ssn = current_user",
        "SELECT id FROM c WHERE ssn = (SELECT words FROM other)",
        "SELECT id FROM c WHERE ssn = ANY ('{x}')",
        "SELECT id FROM c WHERE ssn IN (SELECT words FROM other)",
        "SELECT id FROM c WHERE ssn IN ('x', lower('y'))",
        "SELECT id FROM c WHERE ssn IN ('x') = true",
        "SELECT id FROM c WHERE (ssn, id) = ('x', 1)",
        "SELECT id FROM c WHERE ROW(ssn) = ROW('x')",
        "SELECT id FROM c WHERE ssn LIKE 'x%'",
        "SELECT id FROM c WHERE ssn ~ 'x'",
        "SELECT id FROM c WHERE ssn SIMILAR TO 'x'",
        "SELECT id FROM c WHERE ssn OPERATOR(public.=) 'x'",
        "SELECT id FROM c WHERE ssn OPERATOR(pg_catalog.=) 'x'",
        "SELECT id FROM c WHERE ssn = 'x' COLLATE \"C\"",
        "SELECT id FROM c WHERE ssn COLLATE \"C\" = 'x'",
        "SELECT id FROM c WHERE salary + 1 = 2",
        "SELECT id FROM c WHERE 1 / salary = 2",
        "SELECT id FROM c WHERE - salary = 2",
        "SELECT id FROM c WHERE salary = $1",
        "SELECT id FROM c WHERE salary = id",
        "SELECT id FROM c WHERE id = salary",
        "SELECT id FROM c WHERE ok",
        "SELECT id FROM c WHERE NOT ok",
        "SELECT id FROM c WHERE ok IS TRUE",
        "SELECT id FROM c WHERE c = c.ssn",
        "SELECT id FROM c WHERE ssn = c",
        "SELECT id FROM c WHERE ssn = other.* FROM other",
        "SELECT id FROM c WHERE (c).ssn = 'x'",
        // A comparison inside of something that may fail or do something for what comes of it.
        "SELECT id FROM c WHERE CASE WHEN ssn = 'x' THEN 1/0 = 1 END",
        "SELECT id FROM c WHERE CASE WHEN id = 1 AND ssn = 'x' AND id = 2 THEN 1/0 = 1 END",
        "SELECT id FROM c WHERE (ssn = 'x')::int / 0 = 1",
        "SELECT id FROM c WHERE (id = 1 AND ssn = 'x')::int = 1",
        "SELECT id FROM c WHERE f(ssn = 'x')",
        "SELECT id FROM c WHERE f(id = 1 AND ssn = 'x')",
        "SELECT id FROM c WHERE f((ssn = 'x'))",
        "SELECT id FROM c WHERE coalesce(ssn = 'x', 1/0 = 1)",
        "SELECT id FROM c WHERE ARRAY[ssn = 'x'] = '{t}'",
        "SELECT id FROM c WHERE ARRAY[id = 1 AND ssn = 'x'] = '{t}'",
        "SELECT id FROM c WHERE ssn = 'x' IS NULL",
        "SELECT id FROM c WHERE true = (ssn = 'x')",
        "SELECT id FROM c WHERE true IN (ssn = 'x')",
        "SELECT id FROM c WHERE name BETWEEN 'a' AND ssn = 'true'",
        "SELECT id FROM c WHERE name BETWEEN ssn AND 'b'",
        "SELECT id FROM c WHERE ssn BETWEEN name AND 'b'",
        "SELECT id FROM c WHERE ssn BETWEEN SYMMETRIC 'a' AND 'b'",
        // In another place.
        "SELECT ssn = 'x' FROM c",
        "SELECT id, (ssn = 'x') FROM c",
        "SELECT CASE WHEN ssn = 'x' THEN 1 END FROM c",
        "SELECT count(*) FILTER (WHERE ssn = 'x') FROM c",
        "SELECT row_number() OVER (ORDER BY ssn) FROM c",
        "SELECT row_number() OVER w FROM c WINDOW w AS (PARTITION BY ssn)",
        "SELECT DISTINCT ssn FROM c WHERE ssn = 'x'",
        "SELECT DISTINCT ON (ssn) id FROM c",
        "SELECT array_agg(id ORDER BY ssn) FROM c",
        "SELECT max(ssn) FROM c WHERE ssn = 'x'",
        "SELECT id FROM c GROUP BY id HAVING max(ssn) = 'x'",
        "SELECT id FROM c ORDER BY lower(ssn)",
        "SELECT id FROM c ORDER BY ssn = 'x'",
        "SELECT id FROM c ORDER BY ssn USING <",
        "SELECT id FROM c ORDER BY ssn COLLATE \"C\"",
        "SELECT id FROM c ORDER BY (ssn)",
        "SELECT id, ssn FROM c ORDER BY 2",
        "SELECT lower(ssn) AS x FROM c ORDER BY x",
        "SELECT ssn FROM c GROUP BY 1",
        "SELECT count(*) FROM c GROUP BY ROLLUP (ssn)",
        "SELECT count(*) FROM c GROUP BY lower(ssn)",
        "SELECT count(*) FROM c GROUP BY c",
        "SELECT id FROM c ORDER BY c",
        "SELECT c.id FROM c JOIN c d USING (ssn)",
        "SELECT c.id FROM c NATURAL JOIN c d",
        "SELECT ssn FROM c WHERE ssn = 'x' UNION SELECT 'x'",
        "SELECT g FROM c, generate_series(1, length(c.ssn)) g",
        "SELECT id FROM c LIMIT (SELECT length(ssn) FROM c)",
        "SELECT id FROM c, LATERAL (SELECT c.ssn = 'x' AS b) l",
        // Where something is written or locked, or the statement is not sent by itself.
        "UPDATE c SET name = 'x' WHERE ssn = 'y'",
        "DELETE FROM c WHERE ssn = 'y'",
        "DELETE FROM other USING c WHERE c.ssn = words",
        "INSERT INTO other SELECT id, name FROM c WHERE ssn = 'x'",
        "WITH d AS (DELETE FROM other RETURNING id) SELECT id FROM c WHERE ssn = 'x'",
        "SELECT id INTO t FROM c WHERE ssn = 'x'",
        "SELECT id FROM c WHERE ssn = 'x' FOR UPDATE",
        "SELECT id FROM c WHERE ssn = 'x' FOR SHARE",
        "CREATE TABLE t AS SELECT id FROM c WHERE ssn = 'x'",
        "CREATE VIEW w AS SELECT id FROM c WHERE ssn = 'x'",
        "COPY (SELECT id FROM c WHERE ssn = 'x') TO STDOUT",
        "DECLARE k CURSOR FOR SELECT id FROM c WHERE ssn = 'x'",
        "PREPARE p AS SELECT id FROM c WHERE ssn = 'x'",
        "EXPLAIN SELECT id FROM c WHERE ssn = 'x'",
        "EXPLAIN ANALYZE SELECT id FROM c WHERE ssn = 'x'",
        // Other columns.
        "SELECT id FROM c WHERE strict = 'x'",
        "SELECT id FROM c WHERE mixed = 'x'",
        "SELECT id FROM c WHERE ssn = strict",
        "SELECT id FROM c WHERE strict = ssn",
        "SELECT id FROM c WHERE own = 'x'",
        "SELECT id FROM c ORDER BY own",
        "SELECT ssn FROM v WHERE ssn = 'x'",
      })
  void refusesEverythingElse(String sql) {
    assertThat(masking(sql)).as(sql).isInstanceOf(Masking.Refused.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "operator public =",
        "operator other <",
        "cast text int4 f true true true",
      })
  void refusesWhereUsersHaveOperatorsOrImplicitCasts(String line) {
    for (String sql :
        List.of("SELECT id FROM c WHERE ssn = 'x'", "SELECT id FROM c ORDER BY ssn")) {
      assertThat(statements(sql, line, MaskPredicates.ALLOW).get(0).masking())
          .isInstanceOf(Masking.Refused.class);
    }
  }

  @Test
  void refusesDefinitionsThatMayChangeWhatCompares() {
    for (String sql :
        List.of(
            "CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = f)",
            "CREATE CAST (text AS int) WITH INOUT AS IMPLICIT")) {
      assertThat(masking(sql)).isInstanceOf(Masking.Refused.class);
    }
  }

  @Test
  void refusesInATextOfSeveralStatements() {
    List<SqlStatement> both =
        statements(
            "SET search_path = public; SELECT id FROM c WHERE ssn = 'x'", "", MaskPredicates.ALLOW);
    assertThat(both.get(1).masking()).isInstanceOf(Masking.Refused.class);
  }

  @Test
  void whatAMaskedColumnIsComparedWithIsNotRecorded() {
    assertThat(masking("SELECT id FROM c WHERE ssn = $2 AND id = $1"))
        .isEqualTo(new Masking.Projects(List.of(), Set.of(2), false, List.of(), true));
    assertThat(masking("SELECT id FROM c WHERE ssn IN ($1, 'x') AND id = $3"))
        .isEqualTo(new Masking.Projects(List.of(), Set.of(1), true, List.of(), true));
    assertThat(masking("SELECT id FROM c WHERE 'x' = ssn").hidesLiterals()).isTrue();
    assertThat(masking("SELECT id FROM c WHERE id = 1 ORDER BY ssn").hidesLiterals()).isFalse();
  }
}
