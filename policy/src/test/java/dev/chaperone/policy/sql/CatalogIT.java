package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.Catalogs;
import dev.chaperone.policy.testing.PostgresServer;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Catalogs of a real server. */
class CatalogIT {
  private static PostgresServer server;

  @BeforeAll
  static void start() throws Exception {
    server = PostgresServer.startOrAbort("catalogs", Map.of());
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  /**
   * The resource of {@link Catalog#builtIn()} is what a fresh server says; {@code
   * -Dcatalog.update=FILE} writes it.
   */
  @Test
  void theBuiltInCatalogIsThatOfAFreshServer() throws Exception {
    String text;
    try (Connection connection = server.connect("template1")) {
      Catalog loaded = Catalogs.load(connection);
      StringWriter writer = new StringWriter();
      loaded.write(writer);
      text = writer.toString().replaceFirst("\nfingerprint\t[^\n]*\n", "\nfingerprint\t\nopen\n");
      String update = System.getProperty("catalog.update");
      if (update != null) {
        Files.writeString(Path.of(update), text);
      }
      if (loaded.serverVersionNum() != Catalog.builtIn().serverVersionNum()) {
        Assumptions.abort("the built-in catalog is of another version than the server here");
      }
    }
    StringWriter builtIn = new StringWriter();
    Catalog.builtIn().write(builtIn);
    assertThat(builtIn.toString()).isEqualTo(text);
  }

  @Test
  void aWrittenCatalogReadsBackTheSame() throws Exception {
    try (Connection connection = server.connect("postgres");
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("CREATE TABLE \"a\tb\" (id int)");
      statement.execute("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
      statement.execute("CREATE VIEW v AS SELECT f(), pg_cancel_backend(1)");
      statement.execute("CREATE TABLE p (a int) PARTITION BY RANGE (a)");
      statement.execute("CREATE TABLE p1 PARTITION OF p DEFAULT");
      Catalog loaded = Catalogs.load(connection);
      connection.rollback();
      StringWriter first = new StringWriter();
      loaded.write(first);
      StringWriter second = new StringWriter();
      Catalog.read(new StringReader(first.toString())).write(second);
      assertThat(second.toString()).isEqualTo(first.toString());
      Relation view = loaded.relations("v").get(0);
      assertThat(loaded.hidden(view))
          .extracting(Object::toString)
          .containsExactlyInAnyOrder(
              "Execute SELECT public.f()", "Execute SELECT pg_catalog.pg_cancel_backend()");
      assertThat(loaded.ancestors(loaded.relations("p1").get(0)))
          .extracting(Relation::resource)
          .containsExactly("public.p");
    }
  }

  @Test
  void definingAnythingChangesTheFingerprint() throws SQLException {
    List<String> definitions =
        List.of(
            "CREATE TABLE t1 (a int)",
            "CREATE FUNCTION f1() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE OR REPLACE FUNCTION f1() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 2'",
            "CREATE DOMAIN d1 AS int",
            "ALTER DOMAIN d1 ADD CHECK (VALUE > 0)",
            "CREATE VIEW v1 AS SELECT 1 AS a",
            "CREATE OR REPLACE VIEW v1 AS SELECT f1() AS a",
            "CREATE SCHEMA s1",
            "CREATE TABLE t2 () INHERITS (t1)",
            "ALTER TABLE t2 NO INHERIT t1",
            "ALTER TABLE t1 RENAME TO t3",
            "ALTER TABLE t3 ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY p1 ON t3 USING (f1() = 1)",
            "DROP POLICY p1 ON t3",
            "ALTER TABLE t3 RENAME COLUMN a TO b",
            "DROP TABLE t2");
    try (Connection connection = server.connect("postgres")) {
      String before = fingerprint(connection);
      for (String definition : definitions) {
        try (Statement statement = connection.createStatement()) {
          statement.execute(definition);
        }
        String after = fingerprint(connection);
        assertThat(after).as(definition).isNotEqualTo(before);
        before = after;
      }
      try (Statement statement = connection.createStatement()) {
        statement.execute("INSERT INTO t3 VALUES (1)");
        statement.execute("CREATE TEMP TABLE mine (a int)");
      }
      assertThat(fingerprint(connection)).isEqualTo(before);
    }
  }

  private static String fingerprint(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(CatalogQuery.FINGERPRINT.sql())) {
      result.next();
      return result.getString(1);
    }
  }
}
