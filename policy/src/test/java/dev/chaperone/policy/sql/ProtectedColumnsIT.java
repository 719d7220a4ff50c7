package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.testing.Catalogs;
import dev.chaperone.policy.testing.PostgresServer;
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Which columns of a real database show what is masked. */
class ProtectedColumnsIT {
  private static PostgresServer server;

  @BeforeAll
  static void start() throws Exception {
    server = PostgresServer.startOrAbort("masks", Map.of());
    try (Connection connection = server.connect("postgres")) {
      execute(
          connection,
          "CREATE TABLE customers (id int, name text, dropped int, ssn text, email text)",
          "ALTER TABLE customers DROP dropped",
          "CREATE TABLE orders (id int, customer_id int, note text)",
          "CREATE TABLE gone (a int)");
    }
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  private static void execute(Connection connection, String... statements) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  private static Masks masks(String... patterns) {
    return ColumnUsageTest.masks(patterns);
  }

  /** The masked columns of a relation, by name. */
  private static List<String> masked(ProtectedColumns columns, Catalog catalog, String table) {
    Relation relation = catalog.relations(table).get(0);
    return catalog.columns(relation).stream()
        .filter(column -> columns.mask(relation.oid(), column.number()) != null)
        .map(Catalog.Column::name)
        .toList();
  }

  @Test
  void aMaskFollowsItsColumnThroughWhateverShowsIt() throws Exception {
    try (Connection connection = server.connect("postgres")) {
      connection.setAutoCommit(false);
      execute(
          connection,
          "CREATE VIEW plain AS SELECT id, ssn AS tax_id FROM customers",
          "CREATE VIEW stacked AS SELECT p.tax_id AS x, p.id FROM plain p",
          "CREATE VIEW computed AS SELECT id, upper(name) AS name, lower(ssn) AS low,"
              + " length(ssn) + 1 AS len FROM customers",
          "CREATE VIEW starred AS SELECT * FROM customers c JOIN orders o USING (id)",
          "CREATE VIEW cased AS SELECT CASE WHEN ssn IS NULL THEN 0 ELSE 1 END AS has, id"
              + " FROM customers",
          "CREATE VIEW nested AS SELECT s.y, s.id FROM (SELECT ssn AS y, id FROM customers) s",
          "CREATE VIEW renamed (a, b) AS SELECT ssn, id FROM customers",
          "CREATE VIEW united AS SELECT id, name AS v FROM customers UNION ALL"
              + " SELECT id, ssn FROM customers",
          "CREATE VIEW common AS WITH q (z, i) AS (SELECT ssn, id FROM customers)"
              + " SELECT z, i FROM q",
          "CREATE VIEW recursion AS WITH RECURSIVE q AS (SELECT id, ssn FROM customers UNION"
              + " SELECT id, ssn FROM q) SELECT id FROM q",
          "CREATE VIEW whole AS SELECT c AS r, c.id FROM customers c",
          "CREATE VIEW json AS SELECT row_to_json(c) AS j, id FROM customers c",
          "CREATE VIEW scalar AS SELECT (SELECT max(ssn) FROM customers) AS m, id FROM orders",
          "CREATE VIEW filtered AS SELECT id FROM customers WHERE ssn LIKE '1%' ORDER BY ssn",
          "CREATE VIEW aggregated AS SELECT name, count(*) AS n, max(ssn) AS m FROM customers"
              + " GROUP BY name",
          "CREATE VIEW windowed AS SELECT id, rank() OVER (ORDER BY ssn) AS r FROM customers",
          "CREATE VIEW unrelated AS SELECT id, note AS ssn FROM orders",
          "CREATE MATERIALIZED VIEW kept AS SELECT id, ssn FROM customers",
          "CREATE VIEW of_kept AS SELECT ssn AS k FROM kept",
          "CREATE TABLE child (extra int) INHERITS (customers)",
          "CREATE TABLE generated (id int, ssn text, low text GENERATED ALWAYS AS (lower(ssn))"
              + " STORED, half int GENERATED ALWAYS AS (id / 2) STORED)",
          "CREATE TABLE part (a int, secret text) PARTITION BY RANGE (a)",
          "CREATE TABLE part1 (secret text, a int)",
          "ALTER TABLE part ATTACH PARTITION part1 FOR VALUES FROM (0) TO (10)");
      Catalog loaded = Catalogs.load(connection);
      connection.rollback();
      StringWriter text = new StringWriter();
      loaded.write(text);
      for (Catalog catalog : List.of(loaded, Catalog.read(new StringReader(text.toString())))) {
        ProtectedColumns columns =
            ProtectedColumns.resolve(
                masks("public.customers.ssn", "public.generated.ssn", "public.part.secret"),
                catalog,
                ProtectedColumns.NONE);
        assertThat(columns.unresolved()).isEmpty();
        assertThat(masked(columns, catalog, "customers")).containsExactly("ssn");
        assertThat(masked(columns, catalog, "plain")).containsExactly("tax_id");
        assertThat(masked(columns, catalog, "stacked")).containsExactly("x");
        assertThat(masked(columns, catalog, "computed")).containsExactly("low", "len");
        assertThat(masked(columns, catalog, "starred")).containsExactly("ssn");
        assertThat(masked(columns, catalog, "cased")).containsExactly("has");
        assertThat(masked(columns, catalog, "nested")).containsExactly("y");
        assertThat(masked(columns, catalog, "renamed")).containsExactly("a");
        assertThat(masked(columns, catalog, "united")).containsExactly("v");
        assertThat(masked(columns, catalog, "common")).containsExactly("z");
        assertThat(masked(columns, catalog, "recursion")).containsExactly("id");
        assertThat(masked(columns, catalog, "whole")).containsExactly("r");
        assertThat(masked(columns, catalog, "json")).containsExactly("j");
        assertThat(masked(columns, catalog, "scalar")).containsExactly("m");
        assertThat(masked(columns, catalog, "filtered")).isEmpty();
        assertThat(masked(columns, catalog, "aggregated")).containsExactly("m");
        assertThat(masked(columns, catalog, "windowed")).containsExactly("r");
        assertThat(masked(columns, catalog, "unrelated")).isEmpty();
        assertThat(masked(columns, catalog, "kept")).containsExactly("ssn");
        assertThat(masked(columns, catalog, "of_kept")).containsExactly("k");
        assertThat(masked(columns, catalog, "child")).containsExactly("ssn");
        assertThat(masked(columns, catalog, "generated")).containsExactly("ssn", "low");
        assertThat(masked(columns, catalog, "part1")).containsExactly("secret");
        assertThat(masked(columns, catalog, "pg_stat_activity")).containsExactly("query");
      }
    }
  }

  @Test
  void aRenamedColumnOrTableStaysMasked() throws Exception {
    Masks masks = masks("public.customers.ssn");
    try (Connection connection = server.connect("postgres")) {
      connection.setAutoCommit(false);
      Catalog before = Catalogs.load(connection);
      ProtectedColumns first = ProtectedColumns.resolve(masks, before, ProtectedColumns.NONE);
      execute(
          connection,
          "ALTER TABLE customers RENAME ssn TO tax_id",
          "ALTER TABLE customers ADD ssn text",
          "ALTER TABLE customers RENAME TO people",
          "CREATE TABLE customers (id int, ssn text)");
      Catalog after = Catalogs.load(connection);
      connection.rollback();
      ProtectedColumns second = ProtectedColumns.resolve(masks, after, first);
      assertThat(masked(second, after, "people")).containsExactly("tax_id");
      assertThat(masked(second, after, "customers")).containsExactly("ssn");
      // With no memory of the first, only the names of now count.
      ProtectedColumns anew = ProtectedColumns.resolve(masks, after, ProtectedColumns.NONE);
      assertThat(masked(anew, after, "people")).isEmpty();
      assertThat(anew.unresolved()).isEmpty();
    }
  }

  @Test
  void whatDoesNotResolveDeniesWhatItMayBe() throws Exception {
    try (Connection connection = server.connect("postgres");
        SqlAnalyzer analyzer = new SqlAnalyzer(SqlLimits.DEFAULT)) {
      connection.setAutoCommit(false);
      execute(
          connection,
          "CREATE VIEW v_gone AS SELECT a FROM gone",
          "CREATE SCHEMA closed",
          "CREATE TABLE closed.t (a int)",
          "CREATE VIEW v_closed AS SELECT a FROM closed.t");
      Catalog catalog = Catalogs.load(connection);
      connection.rollback();
      ProtectedColumns columns =
          ProtectedColumns.resolve(
              masks(
                  "public.gone.ssn",
                  "closed.nosuch.ssn",
                  "*.*.nosuch",
                  "public.*.nosuch",
                  "x*.t.a"),
              catalog,
              ProtectedColumns.NONE);
      assertThat(columns.unresolved())
          .extracting(ProtectedColumns.Unresolved::toString)
          .containsExactly(
              "Unresolved[pattern=public.gone.ssn, consequence=its tables are denied]",
              "Unresolved[pattern=closed.nosuch.ssn, consequence=schema closed is denied]",
              "Unresolved[pattern=*.*.nosuch, consequence=nothing is denied for it]",
              "Unresolved[pattern=public.*.nosuch, consequence=nothing is denied for it]",
              "Unresolved[pattern=x*.t.a, consequence=nothing is denied for it]");
      for (String denied :
          List.of(
              "SELECT a FROM gone",
              "SELECT a FROM v_gone",
              "INSERT INTO gone VALUES (1)",
              "TRUNCATE gone",
              "SELECT a FROM closed.t",
              "SELECT a FROM closed.unknown",
              "SELECT a FROM v_closed",
              "DROP TABLE closed.t")) {
        assertThat(masking(analyzer, catalog, columns, denied))
            .as(denied)
            .isInstanceOf(Masking.Refused.class);
      }
      assertThat(masking(analyzer, catalog, columns, "SELECT id FROM orders"))
          .isInstanceOf(Masking.Untouched.class);
    }
  }

  private static Masking masking(
      SqlAnalyzer analyzer, Catalog catalog, ProtectedColumns columns, String sql) {
    SqlSession session =
        new SqlSession(catalog, "postgres", List.of(List.of("public")), Set.of(), columns);
    return ((SqlAnalysis.Understood) analyzer.analyze(sql, session, NamedStatements.NONE))
        .statements()
        .get(0)
        .masking();
  }

  @Test
  void theStrictestMaskOfAColumnWins() throws Exception {
    try (Connection connection = server.connect("postgres")) {
      Catalog catalog = Catalogs.load(connection);
      Masks masks =
          new Masks(
              List.of(
                  new Masks.ColumnMask(masks("public.*.ssn").columns().get(0).pattern(), Mask.NULL),
                  new Masks.ColumnMask(
                      masks("*.customers.*").columns().get(0).pattern(), Mask.PARTIAL)),
              Map.of());
      ProtectedColumns columns = ProtectedColumns.resolve(masks, catalog, ProtectedColumns.NONE);
      Relation customers = catalog.relations("customers").get(0);
      assertThat(columns.mask(customers.oid(), 4)).isEqualTo(Mask.NULL);
      assertThat(columns.mask(customers.oid(), 2)).isEqualTo(Mask.PARTIAL);
      assertThat(columns.mask(customers.oid(), 3)).isNull();
      assertThat(columns.mask(1, 1)).isNull();
    }
  }

  @Test
  void eachProtectedColumnIsKnownWithTheMasksThatItIsProtectedBy() throws Exception {
    try (Connection connection = server.connect("postgres")) {
      execute(
          connection,
          "CREATE TABLE people (id int, ssn text, email text,"
              + " digits text GENERATED ALWAYS AS (substr(ssn, 8)) STORED) PARTITION BY LIST (id)",
          "CREATE TABLE people_1 PARTITION OF people FOR VALUES IN (1)",
          "CREATE VIEW people_v AS SELECT id, ssn || email AS both, email FROM people",
          "CREATE VIEW people_w AS SELECT email AS mail FROM people_v");
      Catalog catalog = Catalogs.load(connection);
      ProtectedColumns columns =
          ProtectedColumns.resolve(
              masks("public.people.ssn", "public.*.email"), catalog, ProtectedColumns.NONE);
      Map<String, ProtectedColumns.ProtectedColumn> all =
          columns.all(catalog).stream()
              .filter(column -> column.name().startsWith("public.people"))
              .collect(Collectors.toMap(ProtectedColumns.ProtectedColumn::name, column -> column));
      assertThat(all.keySet())
          .containsExactlyInAnyOrder(
              "public.people.ssn",
              "public.people.email",
              "public.people.digits",
              "public.people_1.ssn",
              "public.people_1.email",
              "public.people_1.digits",
              "public.people_v.both",
              "public.people_v.email",
              "public.people_w.mail");
      assertThat(all.get("public.people.digits").shows()).containsExactly("public.people.ssn");
      assertThat(all.get("public.people_1.ssn").patterns())
          .extracting(Object::toString)
          .containsExactly("public.people.ssn");
      assertThat(all.get("public.people_v.both").patterns())
          .extracting(Object::toString)
          .containsExactly("public.*.email", "public.people.ssn");
      assertThat(all.get("public.people_w.mail").shows())
          .contains("public.people.email", "public.people_v.email");
      execute(connection, "DROP VIEW people_w, people_v", "DROP TABLE people");
    }
  }
}
