package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PSQLException;

/** What a JVM agent does, with the unmodified driver. */
@ParameterizedClass
@EnumSource(TestPostgres.Kind.class)
class JdbcIT {
  @Parameter TestPostgres.Kind kind;

  private TestPostgres server;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    server = TestPostgres.shared(kind);
    server.reset();
    gateway = GatewayUnderTest.start(server);
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"simple", "extended", "extendedForPrepared", "extendedCacheEverything"})
  void everyQueryModeReadsAndWrites(String mode) throws SQLException {
    try (Connection connection = gateway.connect("preferQueryMode", mode)) {
      try (PreparedStatement insert = connection.prepareStatement("INSERT INTO t VALUES (?, ?)")) {
        insert.setInt(1, 100);
        insert.setString(2, "it's \\ an 'ö");
        assertThat(insert.executeUpdate()).isEqualTo(1);
      }
      try (PreparedStatement select =
          connection.prepareStatement("SELECT v FROM t WHERE id = ? AND v = ?")) {
        for (int i = 0; i < 8; i++) {
          select.setInt(1, 100);
          select.setString(2, "it's \\ an 'ö");
          assertThat(values(select.executeQuery())).containsExactly("it's \\ an 'ö");
        }
      }
    }
  }

  @Test
  void serverPreparedStatementsAreReused() throws SQLException {
    try (Connection connection = gateway.connect("prepareThreshold", "1");
        PreparedStatement select = connection.prepareStatement("SELECT v FROM t WHERE id = ?")) {
      for (int round = 0; round < 20; round++) {
        select.setInt(1, 1 + round % 5);
        assertThat(values(select.executeQuery())).containsExactly("value " + (1 + round % 5));
      }
      assertThat(
              values(
                  connection
                      .createStatement()
                      .executeQuery(
                          "SELECT count(*) FROM pg_prepared_statements"
                              + " WHERE statement LIKE 'SELECT v FROM t%'")))
          .containsExactly("1");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"false", "true"})
  void batchesAreWritten(String rewrite) throws SQLException {
    try (Connection connection = gateway.connect("reWriteBatchedInserts", rewrite);
        PreparedStatement insert = connection.prepareStatement("INSERT INTO log VALUES (?, ?)")) {
      for (int i = 0; i < 3000; i++) {
        insert.setInt(1, i);
        insert.setString(2, "batch");
        insert.addBatch();
      }
      assertThat(insert.executeBatch()).hasSize(3000);
      assertThat(server.query("SELECT count(DISTINCT n) FROM log")).containsExactly("3000");
    }
  }

  @Test
  void aBatchWithARefusedStatementFailsAsOneThatTheServerRefuses() throws SQLException {
    for (boolean autocommit : new boolean[] {true, false}) {
      List<List<String>> left = new ArrayList<>();
      for (String bad : List.of("INSERT INTO denied VALUES (1)", "INSERT INTO t VALUES (1, '')")) {
        server.execute("TRUNCATE log");
        try (Connection connection = gateway.connect();
            Statement statement = connection.createStatement()) {
          connection.setAutoCommit(autocommit);
          statement.addBatch("INSERT INTO log VALUES (1, 'before')");
          statement.addBatch(bad);
          statement.addBatch("INSERT INTO log VALUES (2, 'after')");
          assertThatThrownBy(statement::executeBatch).isInstanceOf(SQLException.class);
          if (!autocommit) {
            connection.rollback();
          }
          assertThat(values(statement.executeQuery("SELECT 1"))).containsExactly("1");
          if (!autocommit) {
            connection.commit();
          }
        }
        left.add(server.query("SELECT who FROM log ORDER BY n"));
      }
      assertThat(left.get(0)).as("autocommit " + autocommit).isEqualTo(left.get(1));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"text", "csv", "binary"})
  void copyGoesOutAndInInEveryFormat(String format) throws Exception {
    try (Connection connection = gateway.connect()) {
      CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
      connection
          .createStatement()
          .execute(
              "INSERT INTO t SELECT g, repeat('x', 200) || g"
                  + " FROM generate_series(10, 20000) g");
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      long rows = copy.copyOut("COPY t TO STDOUT (FORMAT " + format + ")", out);
      assertThat(rows).isEqualTo(19_996);
      connection.createStatement().execute("CREATE TABLE copied (id int, v text)");
      assertThat(
              copy.copyIn(
                  "COPY copied FROM STDIN (FORMAT " + format + ")",
                  new ByteArrayInputStream(out.toByteArray()),
                  1 << 15))
          .isEqualTo(rows);
      assertThat(server.query("SELECT md5(string_agg(v, ',' ORDER BY id)) FROM copied"))
          .isEqualTo(server.query("SELECT md5(string_agg(v, ',' ORDER BY id)) FROM t"));
    }
  }

  @Test
  void aCopyThatFailsLeavesTheConnectionUsable() throws Exception {
    try (Connection connection = gateway.connect()) {
      CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
      String rows = "1\tone\n".repeat(50_000);
      assertThatThrownBy(
              () -> copy.copyIn("COPY t FROM STDIN", new StringReader("x\ty\n" + rows), 1 << 12))
          .isInstanceOf(SQLException.class);
      assertThatThrownBy(() -> copy.copyIn("COPY denied FROM STDIN", new StringReader("1\n")))
          .isInstanceOf(PSQLException.class)
          .extracting(e -> ((SQLException) e).getSQLState())
          .isEqualTo("42501");
      StringWriter out = new StringWriter();
      assertThat(copy.copyOut("COPY (SELECT 1) TO STDOUT", out)).isEqualTo(1);
      assertThat(out).hasToString("1\n");
      assertThat(server.query("SELECT count(*) FROM t")).containsExactly("5");
    }
  }

  @Test
  void aStatementIsCancelled() throws Exception {
    var threads = Executors.newSingleThreadExecutor();
    try (Connection connection = gateway.connect();
        Statement statement = connection.createStatement()) {
      Future<?> slow = threads.submit(() -> statement.execute("SELECT pg_sleep(30)"));
      awaitActive("pg_sleep");
      statement.cancel();
      assertThatThrownBy(() -> slow.get(10, TimeUnit.SECONDS))
          .hasRootCauseInstanceOf(PSQLException.class)
          .rootCause()
          .extracting(e -> ((SQLException) e).getSQLState())
          .isEqualTo("57014");
      assertThat(values(statement.executeQuery("SELECT 1"))).containsExactly("1");
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aQueryTimeoutCancels() throws SQLException {
    try (Connection connection = gateway.connect();
        Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      assertThatThrownBy(() -> statement.execute("SELECT pg_sleep(30)"))
          .extracting(e -> ((SQLException) e).getSQLState())
          .isEqualTo("57014");
      statement.setQueryTimeout(0);
      assertThat(values(statement.executeQuery("SELECT 1"))).containsExactly("1");
    }
  }

  @Test
  void theProcessIdIsTheServersOwn() throws SQLException {
    try (Connection connection = gateway.connect()) {
      assertThat(values(connection.createStatement().executeQuery("SELECT pg_backend_pid()")))
          .containsExactly(Integer.toString(connection.unwrap(PGConnection.class).getBackendPID()));
    }
  }

  @Test
  void aFetchSizeSuspendsPortals() throws SQLException {
    try (Connection connection = gateway.connect()) {
      connection.setAutoCommit(false);
      try (Statement outer = connection.createStatement();
          Statement inner = connection.createStatement()) {
        outer.setFetchSize(7);
        inner.setFetchSize(3);
        ResultSet rows = outer.executeQuery("SELECT g FROM generate_series(1, 50) g");
        int sum = 0;
        while (rows.next()) {
          ResultSet more = inner.executeQuery("SELECT v FROM t");
          assertThat(values(more)).hasSize(5);
          sum += rows.getInt(1);
        }
        assertThat(sum).isEqualTo(1275);
      }
      connection.commit();
    }
  }

  @Test
  void aBigResultArrivesWhole() throws SQLException {
    try (Connection connection = gateway.connect();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "SELECT g, repeat(md5(g::text), 10) FROM generate_series(1, 100000) g")) {
      long sum = 0;
      int count = 0;
      while (rows.next()) {
        count++;
        sum += rows.getLong(1);
        assertThat(rows.getString(2)).hasSize(320);
      }
      assertThat(count).isEqualTo(100_000);
      assertThat(sum).isEqualTo(5_000_050_000L);
    }
  }

  @Test
  void aValueOfManyMegabytesGoesBothWays() throws SQLException {
    byte[] value = new byte[20 << 20];
    for (int i = 0; i < value.length; i++) {
      value[i] = (byte) (i * 31);
    }
    try (Connection connection = gateway.connect();
        PreparedStatement select = connection.prepareStatement("SELECT ?::bytea")) {
      select.setBytes(1, value);
      ResultSet rows = select.executeQuery();
      assertThat(rows.next()).isTrue();
      assertThat(rows.getBytes(1)).isEqualTo(value);
    }
  }

  @Test
  void metadataIsRead() throws SQLException {
    try (Connection connection = gateway.connect()) {
      DatabaseMetaData metadata = connection.getMetaData();
      assertThat(metadata.getDatabaseProductName()).isEqualTo("PostgreSQL");
      assertThat(column(metadata.getTables(null, "public", "%", null), "TABLE_NAME"))
          .contains("t", "log");
      assertThat(column(metadata.getColumns(null, "public", "t", "%"), "COLUMN_NAME"))
          .containsExactly("id", "v");
      assertThat(column(metadata.getPrimaryKeys(null, "public", "t"), "COLUMN_NAME"))
          .containsExactly("id");
      assertThat(column(metadata.getSchemas(), "TABLE_SCHEM")).contains("a", "public");
      assertThat(column(metadata.getIndexInfo(null, "public", "t", false, false), "INDEX_NAME"))
          .contains("t_pkey");
      metadata.getTypeInfo().close();
      metadata.getImportedKeys(null, "public", "t").close();
      metadata.getFunctions(null, "public", "%").close();
    }
  }

  @Test
  void aFailedTransactionRefusesUntilRollback() throws SQLException {
    try (Connection connection = gateway.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("INSERT INTO log VALUES (1, 'x')");
      assertThatThrownBy(() -> statement.execute("SELECT 1/0"))
          .extracting(e -> ((SQLException) e).getSQLState())
          .isEqualTo("22012");
      assertThatThrownBy(() -> statement.execute("SELECT 1"))
          .extracting(e -> ((SQLException) e).getSQLState())
          .isEqualTo("25P02");
      connection.rollback();
      assertThat(values(statement.executeQuery("SELECT count(*) FROM log"))).containsExactly("0");
      connection.commit();
    }
  }

  @Test
  void savepointsSurviveAFailureAndARefusal() throws SQLException {
    try (Connection connection = gateway.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("INSERT INTO log VALUES (1, 'kept')");
      for (String bad : List.of("SELECT 1/0", "SELECT * FROM denied")) {
        Savepoint savepoint = connection.setSavepoint();
        statement.execute("INSERT INTO log VALUES (2, 'undone')");
        assertThatThrownBy(() -> statement.execute(bad)).isInstanceOf(SQLException.class);
        connection.rollback(savepoint);
      }
      connection.commit();
      assertThat(server.query("SELECT who FROM log")).containsExactly("kept");
    }
  }

  @Test
  void discardAllLeavesAUsableSession() throws SQLException {
    try (Connection connection = gateway.connect("prepareThreshold", "0");
        Statement statement = connection.createStatement()) {
      statement.execute("SET search_path TO public");
      statement.execute("PREPARE p AS SELECT 1");
      statement.execute("DISCARD ALL");
      assertThat(values(statement.executeQuery("SELECT count(*) FROM t"))).containsExactly("5");
      assertThatThrownBy(() -> statement.execute("EXECUTE p")).isInstanceOf(SQLException.class);
      assertThat(values(statement.executeQuery("SHOW client_encoding"))).containsExactly("UTF8");
      assertThat(values(statement.executeQuery("SHOW standard_conforming_strings")))
          .containsExactly("on");
    }
  }

  @Test
  void notificationsAndNoticesPass() throws SQLException {
    try (Connection listener = gateway.connect();
        Connection sender = gateway.connect();
        Statement statement = sender.createStatement()) {
      listener.createStatement().execute("LISTEN news");
      statement.execute("NOTIFY news, 'today'");
      PGNotification[] heard = listener.unwrap(PGConnection.class).getNotifications(10_000);
      assertThat(heard).hasSize(1);
      assertThat(heard[0].getParameter()).isEqualTo("today");
      statement.execute("DROP TABLE IF EXISTS no_such_table");
      assertThat(statement.getWarnings() == null).as("no notice").isFalse();
      assertThat(statement.getWarnings().getMessage()).contains("no_such_table");
    }
  }

  @Test
  void aRefusalSaysWhyAndHowToGoOn() throws SQLException {
    try (Connection connection = gateway.connect();
        Statement statement = connection.createStatement()) {
      assertThatThrownBy(() -> statement.execute("SELECT * FROM denied"))
          .isInstanceOfSatisfying(
              PSQLException.class,
              refused -> {
                assertThat(refused.getSQLState()).isEqualTo("42501");
                var fields = refused.getServerErrorMessage();
                assertThat(fields).isNotNull();
                assertThat(fields.getSeverity()).isEqualTo("ERROR");
                assertThat(fields.getMessage()).contains("That table is off limits");
                assertThat(fields.getDetail()).contains("never").containsPattern("Decision \\w+");
                assertThat(fields.getHint()).isNotBlank();
              });
      assertThat(values(statement.executeQuery("SELECT 1"))).containsExactly("1");
    }
  }

  private void awaitActive(String part) throws InterruptedException {
    for (int i = 0; i < 100; i++) {
      if (!server
          .query(
              "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
                  + " AND query LIKE '%"
                  + part
                  + "%'")
          .isEmpty()) {
        return;
      }
      Thread.sleep(50);
    }
    throw new AssertionError("not running: " + part);
  }

  private static List<String> values(ResultSet rows) throws SQLException {
    return column(rows, 1);
  }

  private static List<String> column(ResultSet rows, Object column) throws SQLException {
    try (rows) {
      List<String> values = new ArrayList<>();
      while (rows.next()) {
        values.add(
            column instanceof Integer index
                ? rows.getString(index)
                : rows.getString((String) column));
      }
      return values;
    }
  }
}
