package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.Effect;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What each kind of statement does, with a small catalog on top of the built-in one. */
class SqlAnalyzerTest {
  private static final SqlAnalyzer ANALYZER =
      new SqlAnalyzer(new SqlLimits(1 << 20, 100_000, 200, 1_000, Duration.ofSeconds(10)));
  private static final Catalog CATALOG = catalog();

  private static Catalog catalog() {
    Catalog.Builder builder = Catalog.builder();
    builder.row(CatalogQuery.VERSION, List.of("150004"));
    for (String schema : List.of("public", "pg_catalog", "secret", "agent")) {
      builder.row(CatalogQuery.SCHEMAS, List.of(schema));
    }
    relation(builder, 1, "public", "orders", "r");
    relation(builder, 2, "public", "customers", "r");
    relation(builder, 3, "secret", "orders", "r");
    relation(builder, 4, "public", "part", "p");
    relation(builder, 5, "public", "part1", "r");
    relation(builder, 6, "public", "v_evil", "v");
    relation(builder, 7, "public", "seq1", "S");
    relation(builder, 8, "public", "rls", "r");
    relation(builder, 9, "secret", "keys", "r");
    relation(builder, 10, "public", "v_nested", "v");
    for (String system :
        List.of("pg_class", "pg_authid", "pg_stats", "pg_settings", "pg_stat_activity")) {
      relation(builder, system.hashCode(), "pg_catalog", system, "v");
    }
    builder.row(CatalogQuery.ANCESTORS, List.of("5", "4"));
    for (String stable : List.of("count", "lower", "abs", "now", "query_to_xml", "xmlforest")) {
      builder.row(CatalogQuery.BUILTIN_FUNCTIONS, List.of(stable, "f"));
    }
    for (String unstable :
        List.of("random", "pg_sleep", "set_config", "nextval", "pg_notify", "lo_unlink")) {
      builder.row(CatalogQuery.BUILTIN_FUNCTIONS, List.of(unstable, "t"));
    }
    builder.row(CatalogQuery.USER_FUNCTIONS, row("public", "purge", "t", null, "f"));
    builder.row(CatalogQuery.USER_FUNCTIONS, row("public", "rowf", "f", null, "t"));
    builder.row(CatalogQuery.USER_FUNCTIONS, row("secret", "lower", "f", null, "f"));
    builder.row(CatalogQuery.USER_FUNCTIONS, row("public", "slice", "f", "hstore", "f"));
    builder.row(CatalogQuery.OPERATORS, row("public", "###", "t", null));
    builder.row(CatalogQuery.DOMAINS, List.of("public", "evil", "CHECK (public.purge() = VALUE)"));
    builder.row(CatalogQuery.DOMAINS, List.of("public", "good", "CHECK (VALUE > 0)"));
    builder.row(
        CatalogQuery.CASTS, row("hstore", "int4", "public", "cast_del", "t", null, "f", "f", "t"));
    builder.row(CatalogQuery.VIEWS, List.of("6", "SELECT public.purge() AS n"));
    builder.row(CatalogQuery.VIEWS, List.of("10", "SELECT n FROM public.v_evil"));
    builder.row(CatalogQuery.POLICIES, List.of("8", "(public.purge() = 1)"));
    return builder.build();
  }

  private static List<String> row(String... values) {
    return Arrays.asList(values);
  }

  private static void relation(
      Catalog.Builder builder, long oid, String schema, String name, String kind) {
    builder.row(CatalogQuery.RELATIONS, List.of(Long.toString(oid), schema, name, kind));
  }

  @AfterAll
  static void close() {
    ANALYZER.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "SELECT 1 | neutral",
        "SELECT * FROM pg_class | neutral",
        "SELECT count(*) FROM orders | Read SELECT public.orders",
        "SELECT * FROM secret.orders | Read SELECT secret.orders",
        "TABLE orders | Read SELECT public.orders",
        "SELECT * FROM (TABLE customers) AS s | Read SELECT public.customers",
        "SELECT * FROM part1 | Read SELECT public.part1, Read SELECT public.part",
        "SELECT * FROM orders o, customers c | Read SELECT public.orders, Read SELECT public.customers",
        "SELECT * FROM orders set, customers | Read SELECT public.orders, Read SELECT public.customers",
        "SELECT 1 FROM orders a JOIN part b ON CASE WHEN true THEN true END, customers | Read SELECT public.orders, Read SELECT public.part, Read SELECT public.customers",
        "SELECT 1 AS as FROM customers | Read SELECT public.customers",
        "SELECT DISTINCT FROM customers | Read SELECT public.customers",
        "SELECT a IS DISTINCT FROM customers | neutral",
        "SELECT extract(epoch FROM customers) | neutral",
        "WITH customers AS (SELECT * FROM customers) SELECT * FROM customers | Read SELECT public.customers",
        "WITH customers AS (SELECT 1) SELECT * FROM customers | neutral",
        "WITH x AS (SELECT 1) SELECT * FROM public.customers | Read SELECT public.customers",
        "SELECT * FROM orders WHERE id IN (SELECT id FROM customers) | Read SELECT public.orders, Read SELECT public.customers",
        "SELECT 1 UNION TABLE customers | Read SELECT public.customers",
        "SELECT * FROM orders FOR UPDATE | Read SELECT public.orders, Write SELECT public.orders",
        "SELECT 1 AS as INTO zz | Schema SELECT INTO public.zz",
        "SELECT * FROM pg_authid | Privilege SELECT pg_catalog.pg_authid",
        "SELECT * FROM pg_stats | Read SELECT pg_catalog.pg_stats",
        "SELECT * FROM nowhere | Unknown SELECT public.nowhere",
        "SELECT nosuch(1) | Unknown SELECT public.nosuch()",
        "SELECT purge() | Execute SELECT public.purge()",
        "SELECT \"purge\"() | Execute SELECT public.purge()",
        "SELECT public . purge () | Execute SELECT public.purge()",
        "SELECT 1 FROM orders AS t JOIN purge() p ON true | Read SELECT public.orders, Execute SELECT public.purge()",
        "SELECT 1 FROM orders o JOIN part p ON (true) AND purge() > 0 | Read SELECT public.orders, Read SELECT public.part, Execute SELECT public.purge()",
        "SELECT lower('x'), slice(1) | neutral",
        "SELECT o.rowf FROM orders o | Execute SELECT public.rowf(), Read SELECT public.orders",
        "SELECT 1 ### 2 | Execute SELECT public.operator(###)",
        "SELECT 1 OPERATOR(public.###) 2 | Execute SELECT public.operator(###)",
        "SELECT 1::evil | Execute SELECT public.evil",
        "SELECT 1::good | neutral",
        "SELECT 'a=>1'::hstore::int | Execute SELECT public.cast_del()",
        "SELECT id::int FROM orders | Read SELECT public.orders",
        "SELECT * FROM v_evil | Read SELECT public.v_evil, Execute SELECT public.purge()",
        "SELECT * FROM v_nested | Read SELECT public.v_nested, Execute SELECT public.purge()",
        "SELECT * FROM rls | Read SELECT public.rls, Execute SELECT public.purge()",
        "SELECT query_to_xml('SELECT 1') | Execute SELECT pg_catalog.query_to_xml()",
        "SELECT pg_sleep(1) | Execute SELECT pg_catalog.pg_sleep()",
        "SELECT nextval('seq1') | Write SELECT public.seq1",
        "SELECT nextval(x) | Write SELECT pg_catalog.nextval()",
        "SELECT lo_unlink(1) | Write SELECT pg_catalog.lo_unlink()",
        "SELECT pg_notify('a','b') | SessionState SELECT pg_catalog.pg_notify()",
        "INSERT INTO orders SELECT * FROM customers | Write INSERT public.orders, Read SELECT public.customers",
        "INSERT INTO orders (SELECT * FROM customers) | Write INSERT public.orders, Read SELECT public.customers",
        "INSERT INTO orders AS o (id) SELECT 1 FROM customers | Write INSERT public.orders, Read SELECT public.customers",
        "INSERT INTO orders (id) WITH x AS (SELECT * FROM customers) SELECT * FROM x | Write INSERT public.orders, Read SELECT public.customers",
        "WITH d AS (INSERT INTO orders (a[1]) VALUES (1)) SELECT * FROM customers | Write INSERT public.orders, Read SELECT public.customers",
        "SELECT 1 FROM orders o JOIN part USING (id) AS j, customers | Read SELECT public.orders, Read SELECT public.part, Read SELECT public.customers",
        "SELECT * FROM now() WITH ORDINALITY AS t(a, b), customers | Read SELECT public.customers",
        "SELECT * FROM ROWS FROM (purge(), now()) x, ONLY (customers) | Execute SELECT public.purge(), Read SELECT public.customers",
        "SELECT * FROM orders AS o (id, x), LATERAL (SELECT o.x FROM part) l | Read SELECT public.orders, Read SELECT public.part",
        "SELECT * FROM orders o, (orders x JOIN customers y ON true) | Read SELECT public.orders, Read SELECT public.customers",
        "SELECT (o).rowf FROM orders AS o | Execute SELECT public.rowf(), Read SELECT public.orders",
        "(WITH customers AS (SELECT 1) SELECT 1) UNION SELECT 1 FROM customers | Read SELECT public.customers",
        "WITH RECURSIVE t AS (SELECT 1 UNION SELECT 2 FROM t) SELECT * FROM t | neutral",
        "WITH t AS (SELECT 1 a) SEARCH DEPTH FIRST BY a, customers SET o SELECT * FROM customers | Read SELECT public.customers",
        "SELECT x.is distinct FROM customers x | Read SELECT public.customers",
        "SELECT evil '1' | Execute SELECT public.evil",
        "VALUES ((SELECT 1 FROM customers)) | Read SELECT public.customers",
        "SELECT 1 FROM orders ORDER BY (SELECT 1 FROM customers), 1 | Read SELECT public.orders, Read SELECT public.customers",
        "SELECT ARRAY[a, b] FROM orders JOIN part ON x = ARRAY[customers, y] | Read SELECT public.orders, Read SELECT public.part",
        "INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2 | Write INSERT public.orders, Write UPDATE public.orders",
        "UPDATE orders SET id = 1 FROM customers c WHERE c.id = 1 | Write UPDATE public.orders, Read SELECT public.customers",
        "DELETE FROM orders USING customers WHERE true | Write DELETE public.orders, Read SELECT public.customers",
        "DELETE FROM orders WHERE true RETURNING * | Write DELETE public.orders, Read SELECT public.orders",
        "DELETE FROM part1 WHERE a = 1 | Write DELETE public.part1, Write DELETE public.part",
        "WITH d AS (DELETE FROM orders RETURNING 1) SELECT 1 | Write DELETE public.orders, Read SELECT public.orders",
        "WITH x AS (SELECT 1) DELETE FROM orders | Write DELETE public.orders",
        "MERGE INTO orders o USING customers c ON o.id = c.id WHEN MATCHED THEN DELETE | Write MERGE public.orders, Read SELECT public.customers, Write DELETE public.orders",
        "TRUNCATE orders, customers | Write TRUNCATE public.orders, Write TRUNCATE public.customers",
        "EXPLAIN DELETE FROM orders | Read EXPLAIN public.orders",
        "EXPLAIN ANALYZE DELETE FROM orders | Write DELETE public.orders",
        "EXPLAIN (COSTS off, \"analyze\" on) DELETE FROM orders | Write DELETE public.orders",
        "EXPLAIN (ANALYZE false) DELETE FROM orders | Read EXPLAIN public.orders",
        "EXPLAIN SELECT purge() | Execute SELECT public.purge()",
        "COPY orders TO STDOUT | Read COPY public.orders",
        "COPY (SELECT * FROM orders) TO STDOUT | Read SELECT public.orders",
        "COPY orders FROM STDIN | Write COPY public.orders",
        "COPY orders TO '/tmp/x' | Read COPY public.orders, Execute COPY server/file",
        "COPY orders FROM PROGRAM 'id' | Write COPY public.orders, Execute COPY server/program",
        "CREATE TABLE t (a int) | Schema CREATE TABLE public.t",
        "CREATE TABLE t AS SELECT * FROM customers | Schema CREATE TABLE AS public.t, Read SELECT public.customers",
        "CREATE TEMP TABLE t (a int) | SessionState CREATE TABLE pg_temp.t",
        "CREATE INDEX ON orders (id) | Schema CREATE INDEX public.orders",
        "CREATE RULE r AS ON INSERT TO orders DO ALSO DELETE FROM customers | Schema CREATE RULE public.orders, Write DELETE public.customers",
        "DROP TABLE orders CASCADE | Schema DROP TABLE public.orders",
        "DROP TABLE secret.orders, customers | Schema DROP TABLE secret.orders, Schema DROP TABLE public.customers",
        "ALTER TABLE orders OWNER TO x | Privilege ALTER TABLE public.orders",
        "VACUUM orders | Schema VACUUM public.orders",
        "GRANT SELECT ON customers TO x | Privilege GRANT public.customers",
        "GRANT approver TO app | Privilege GRANT role/approver",
        "ALTER ROLE app PASSWORD 'x' | Privilege ALTER ROLE role/app",
        "CREATE USER app | Privilege CREATE ROLE role/app",
        "ALTER SYSTEM SET x = 1 | Privilege ALTER SYSTEM server",
        "CREATE EXTENSION dblink | Execute CREATE EXTENSION extension/dblink",
        "CALL purge() | Execute CALL public.purge()",
        "DO $$ BEGIN END $$ | Execute DO language/plpgsql",
        "SET ROLE app | Privilege SET role/app",
        "SET row_security = off | SessionState SET setting/row_security",
        "SET search_path TO nowhere | SessionState SET setting/search_path",
        "LISTEN c | SessionState LISTEN channel/c",
        "LOCK orders | SessionState LOCK TABLE public.orders",
        "EXECUTE nobody | Unknown EXECUTE prepared/nobody",
        "FETCH c | Unknown FETCH cursor/c",
        "PREPARE p AS DELETE FROM orders | Write DELETE public.orders",
        "DECLARE c CURSOR FOR SELECT * FROM orders | Read SELECT public.orders",
        "PREPARE TRANSACTION 'x' | Unknown PREPARE TRANSACTION unknown",
        "FROBNICATE orders | Unknown FROBNICATE unknown"
      })
  void aStatementDoesWhatItsKindDoes(String text, String accesses) {
    assertThat(accesses(text)).containsExactlyInAnyOrder(accesses.split(", "));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "BEGIN",
        "BEGIN READ WRITE",
        "START TRANSACTION READ ONLY",
        "COMMIT",
        "ROLLBACK TO a",
        "SAVEPOINT a",
        "SHOW x",
        "DISCARD ALL",
        "RESET ALL",
        "RESET ROLE",
        "DEALLOCATE ALL",
        "CLOSE c",
        "LOCK TABLE orders IN ACCESS SHARE MODE",
        "SET TIME ZONE 'UTC'",
        "SET work_mem = '8MB'",
        "SET search_path TO public, pg_catalog",
        "SET search_path TO ''",
        "SET NAMES 'UTF8'",
        "SET search_path TO \"$user\", public",
        "SET client_min_messages TO warning",
        "SET standard_conforming_strings = on",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "SELECT set_config('search_path', 'public', false)",
        "SET LOCAL statement_timeout TO 100"
      })
  void neutralStatementsAccessNothing(String text) {
    assertThat(accesses(text)).containsExactly("neutral");
    assertThat(understood(text).refusal()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SET client_encoding TO 'SJIS'",
        "SET NAMES 'GBK'",
        "SET client_encoding TO DEFAULT",
        "SET standard_conforming_strings = off",
        "RESET standard_conforming_strings",
        "SELECT set_config('standard_conforming_strings', 'off', false)",
        "SELECT set_config('client_' || 'encoding', 'SJIS', false)",
        "SELECT set_config('client_encoding', $1, false)",
        "RESET client_encoding",
        "UPDATE pg_settings SET setting = 'off'",
        "PREPARE p AS UPDATE pg_settings SET setting = 'x'",
        "EXPLAIN ANALYZE SELECT set_config('client_encoding', 'SJIS', false)",
        "SET NAMES"
      })
  void whatWouldChangeHowTextIsReadIsRefused(String text) {
    assertThat(understood(text).refusal()).isPresent();
  }

  @Test
  void namesResolveByTheSearchPathOfTheMoment() {
    assertThat(accesses("SET search_path TO secret; SELECT * FROM orders"))
        .containsExactlyInAnyOrder("Read SELECT public.orders", "Read SELECT secret.orders");
    assertThat(accesses("RESET ALL; SELECT * FROM keys"))
        .containsExactly("Read SELECT secret.keys");
    assertThat(accesses("SET search_path TO secret; SELECT lower('x')"))
        .containsExactly("Execute SELECT secret.lower()");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "EXPLAIN ANALYZE SELECT set_config('search_path', 'secret', false)",
        "COPY (SELECT set_config('search_path', 'secret', false)) TO STDOUT",
        "CREATE TABLE t AS SELECT set_config('search_path', 'secret', false)",
        "DECLARE c CURSOR WITH HOLD FOR SELECT set_config('search_path', 'secret', false)",
        "PREPARE p AS SELECT set_config('search_path', 'secret', false); EXECUTE p",
        "DECLARE c CURSOR FOR SELECT set_config('search_path', 'secret', false); FETCH c"
      })
  void aSearchPathSetInsideOfAStatementIsFollowed(String text) {
    assertThat(accesses(text + "; SELECT * FROM keys")).contains("Read SELECT secret.keys");
  }

  @Test
  void aTemporaryTableMayOrMayNotHideAnother() {
    assertThat(accesses("CREATE TEMP TABLE orders (a int); SELECT * FROM orders"))
        .containsExactlyInAnyOrder(
            "SessionState CREATE TABLE pg_temp.orders",
            "Read SELECT pg_temp.orders",
            "Read SELECT public.orders");
  }

  @Test
  void executeDoesWhatWasPrepared() {
    assertThat(accesses("PREPARE p AS SELECT 1; EXECUTE p")).containsExactly("neutral");
    assertThat(accesses("PREPARE p(int) AS SELECT $1; EXECUTE p(purge())"))
        .containsExactly("Execute SELECT public.purge()");
    assertThat(
            understood("PREPARE p AS DELETE FROM orders; EXECUTE p")
                .operation()
                .parts()
                .get(1)
                .accesses())
        .extracting(Access::toString)
        .containsExactly("Write DELETE public.orders");
    assertThat(understood("EXECUTE p").dependencies()).contains(Dependency.SESSION);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT abalance FROM orders WHERE aid = 123;", "INSERT INTO orders VALUES (1, 'x')",
        "UPDATE orders SET a = 'x' WHERE b = 2", "DELETE FROM orders WHERE a = 'x'"
      })
  void ordinaryQueriesDoNotDependOnLiterals(String text) {
    assertThat(understood(text).dependencies()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SET TimeZone TO 'UTC'",
        "SELECT set_config('search_path', 'public', false)",
        "SELECT nextval('seq1')",
        "COPY orders TO '/tmp/x'",
        "EXPLAIN (ANALYZE 'off') SELECT 1",
        "DO 'x'",
        "ALTER SYSTEM SET a = 'b'"
      })
  void whateverReadsItsLiteralsDependsOnThem(String text) {
    assertThat(understood(text).dependencies()).contains(Dependency.LITERALS);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "UPDATE orders SET a = 1 WHERE b = 2 | true",
        "UPDATE orders SET a = 1 | false",
        "UPDATE orders SET a = (SELECT 1 FROM customers WHERE true) | false",
        "DELETE FROM orders WHERE CURRENT OF c | true",
        "WITH d AS (DELETE FROM orders) SELECT 1 FROM customers WHERE true | false",
        "WITH d AS (SELECT 1 WHERE true) DELETE FROM orders | false",
        "SELECT 1 FROM orders WHERE true | true",
        "SELECT count(*) FILTER (WHERE true) FROM orders | false"
      })
  void hasWhereSpeaksOfTheStatementsThatChange(String text, boolean expected) {
    assertThat(understood(text).operation().parts().get(0).attributes())
        .containsEntry(SqlAttributes.HAS_WHERE, expected);
  }

  @Test
  void attributesHaveTheNamesAndTypesThatAreDeclared() {
    var attributes =
        understood("SELECT c.name, $2 FROM customers c LIMIT 1; SELECT 1")
            .operation()
            .parts()
            .get(0)
            .attributes();
    assertThat(attributes.keySet()).isEqualTo(SqlAttributes.TYPES.keySet());
    assertThat(attributes)
        .containsEntry(SqlAttributes.HAS_LIMIT, true)
        .containsEntry(SqlAttributes.TABLES, List.of("public.customers"))
        .containsEntry(SqlAttributes.COLUMNS, List.of("name"))
        .containsEntry(SqlAttributes.STATEMENT_COUNT, 2)
        .containsEntry(SqlAttributes.PARAMETERS, 2);
  }

  @Test
  void aWriteThatTheGrammarCannotReadIsUnknown() {
    assertThat(accesses("DELETE FROM orders WHERE a # # b !!! c"))
        .anyMatch(a -> a.startsWith("Unknown"));
  }

  @Test
  void theRestrictionOfWhatIsInsertedIsNoneOfTheInsert() {
    assertThat(accesses("INSERT INTO orders SELECT id, name FROM customers WHERE id = 1"))
        .containsExactlyInAnyOrder("Write INSERT public.orders", "Read SELECT public.customers");
  }

  @Test
  void aWriteThatTheGrammarHadNoTimeForIsUnknownThisOnce() {
    SqlLimits hasty = new SqlLimits(1 << 20, 100_000, 200, 1_000, Duration.ofNanos(1));
    try (SqlAnalyzer analyzer = new SqlAnalyzer(hasty)) {
      SqlAnalysis analysis =
          analyzer.analyze(
              // Long enough to outlast any deadline that short, however late it is looked at.
              "DELETE FROM orders WHERE id = 1" + " OR (id = 2 AND name = 'x')".repeat(2_000),
              new SqlSession(CATALOG, "agent", List.of(List.of("public")), Set.of()),
              NamedStatements.NONE);
      assertThat(((SqlAnalysis.Understood) analysis).operation().parts().get(0).accesses())
          .anyMatch(access -> access.effect() == Effect.UNKNOWN);
      assertThat(analysis.dependencies()).contains(Dependency.SESSION);
    }
    assertThat(analyze("DELETE FROM orders WHERE id = 1").dependencies())
        .doesNotContain(Dependency.SESSION);
  }

  @Test
  void theGrammarIsWaitedForWhileItWaitsForAProcessor() throws Exception {
    SqlLimits limits = new SqlLimits(1 << 20, 100_000, 200, 1_000, Duration.ofSeconds(1));
    ThreadPoolExecutor threads = JSqlParserGrammar.newThreads();
    CountDownLatch processor = new CountDownLatch(1);
    try (SqlAnalyzer analyzer = new SqlAnalyzer(limits, new JSqlParserGrammar(limits, threads))) {
      for (int i = 0; i < threads.getMaximumPoolSize(); i++) {
        threads.submit(() -> processor.await(1, TimeUnit.MINUTES));
      }
      SqlSession session = new SqlSession(CATALOG, "agent", List.of(List.of("public")), Set.of());
      Future<SqlAnalysis> analysis =
          CompletableFuture.supplyAsync(
              () ->
                  analyzer.analyze(
                      "DELETE FROM orders WHERE id = 1", session, NamedStatements.NONE));
      assertThatThrownBy(() -> analysis.get(1_500, TimeUnit.MILLISECONDS))
          .isInstanceOf(TimeoutException.class);
      processor.countDown();
      assertThat(analysis.get(1, TimeUnit.MINUTES).dependencies())
          .doesNotContain(Dependency.SESSION);
    } finally {
      processor.countDown();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "COPY customers TO STDOUT",
        "CREATE INDEX ON customers (name)",
        "SELECT name FROM customers WHERE a # # b !!! c",
        "SELECT ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((name)))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))) FROM customers"
      })
  void columnsThatAreNotKnownAreNotTakenForNone(String text) {
    Object columns =
        understood(text).operation().parts().get(0).attributes().get(SqlAttributes.COLUMNS);
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> ((List<?>) columns).contains("name"))
          .isInstanceOf(UnknownColumnsException.class);
    }
  }

  @Test
  void longListsOfRowsAreStillRead() {
    String text = "INSERT INTO orders VALUES (1, 'a')" + ", (2, 'b')".repeat(10_000);
    assertThat(accesses(text)).containsExactly("Write INSERT public.orders");
  }

  @Test
  void deepNestingIsALimitAndNotACrash() {
    assertThat(analyze("SELECT " + "(".repeat(10_000) + "1" + ")".repeat(10_000)))
        .isInstanceOf(SqlAnalysis.Unreadable.class);
    assertThat(analyze("EXPLAIN ANALYZE ".repeat(10_000) + "SELECT 1"))
        .isInstanceOf(SqlAnalysis.Understood.class);
    assertThat(analyze("SELECT 1" + "+1".repeat(40_000)))
        .isInstanceOf(SqlAnalysis.Understood.class);
  }

  @Test
  void anUnclearRoutineBodyIsUnknown() {
    assertThat(accesses("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END"))
        .containsExactly("Schema CREATE FUNCTION public.f()");
    assertThat(
            accesses(
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 case; END; DELETE FROM orders"))
        .anyMatch(a -> a.startsWith("Unknown"));
  }

  @Test
  void anEmptyTextIsUnderstood() {
    assertThat(understood(" ; -- x").statements()).isEmpty();
  }

  private static SqlAnalysis analyze(String text) {
    return ANALYZER.analyze(
        text,
        new SqlSession(CATALOG, "agent", List.of(List.of("public")), Set.of()),
        NamedStatements.NONE);
  }

  private static SqlAnalysis.Understood understood(String text) {
    SqlAnalysis analysis = analyze(text);
    assertThat(analysis).as(text).isInstanceOf(SqlAnalysis.Understood.class);
    return (SqlAnalysis.Understood) analysis;
  }

  /** The distinct accesses of all parts, or "neutral". */
  private static List<String> accesses(String text) {
    List<String> accesses =
        understood(text).operation().parts().stream()
            .flatMap(part -> part.accesses().stream())
            .map(Access::toString)
            .distinct()
            .toList();
    return accesses.isEmpty() ? List.of("neutral") : accesses;
  }
}
