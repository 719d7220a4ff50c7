package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

/** A result that passes a limit ends in an error and never looks complete. */
class LimitsIT {
  private static final String MANY = "SELECT g FROM generate_series(1, 1000000) g";
  private static final String FEW_TOO_MANY = "SELECT g FROM generate_series(1, 11) g";
  private static final String TEN = "SELECT g FROM generate_series(1, 10) g";

  private TestPostgres server;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    gateway = GatewayUnderTest.start(server);
    limits("rowsPerOperation: 10");
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  private void limits(String limits) {
    gateway.policy(GatewayUnderTest.ALL_BUT_DENIED + "  limits: {" + limits + "}\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {MANY, FEW_TOO_MANY})
  void tooManyRowsEndInAnError(String sql) throws IOException {
    try (WireClient client = gateway.wire()) {
      for (int round = 0; round < 3; round++) {
        List<String> simple = client.exchange(query(sql));
        assertThat(simple).filteredOn(a -> a.startsWith("D ")).hasSize(10);
        assertThat(simple).doesNotContain("C SELECT 11", "C SELECT 1000000");
        assertThat(simple).endsWith("E ERROR 53400", "Z I");
        List<String> extended = client.exchange(run(sql), sync());
        assertThat(extended).filteredOn(a -> a.startsWith("D ")).hasSize(10);
        assertThat(extended).endsWith("E ERROR 53400", "Z I");
        assertThat(client.exchange(query(TEN))).endsWith("C SELECT 10", "Z I");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {MANY, FEW_TOO_MANY})
  void inATransactionTheTransactionHasFailed(String sql) throws IOException {
    try (WireClient client = gateway.wire()) {
      for (boolean extended : new boolean[] {false, true}) {
        client.exchange(query("BEGIN"));
        client.exchange(query("INSERT INTO log VALUES (1, 'undone')"));
        List<String> answers =
            extended ? client.exchange(run(sql), sync()) : client.exchange(query(sql));
        assertThat(answers).endsWith("E ERROR 53400", "Z E");
        assertThat(client.exchange(query("SELECT 1"))).containsExactly("E ERROR 25P02", "Z E");
        assertThat(client.exchange(query("COMMIT"))).containsExactly("C ROLLBACK", "Z I");
      }
    }
    assertThat(server.query("SELECT count(*) FROM log")).containsExactly("0");
  }

  @Test
  void aCutOffResultUndoesWhatWasSentBehindItInTheSameGroup() throws IOException {
    try (WireClient client = gateway.wire()) {
      List<String> answers =
          client.exchange(
              run("INSERT INTO log VALUES (1, 'x')"),
              run(MANY),
              run("INSERT INTO log VALUES (2, 'x')"),
              sync());
      assertThat(answers).endsWith("E ERROR 53400", "Z I");
    }
    assertThat(server.query("SELECT count(*) FROM log")).containsExactly("0");
  }

  @Test
  void theRowsOfAPortalAddUpOverItsExecutes() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.exchange(query("BEGIN"));
      assertThat(client.exchange(parse("", MANY), bind("p", ""), execute("p", 6), sync()))
          .endsWith("s ", "Z T");
      List<String> second = client.exchange(execute("p", 6), sync());
      assertThat(second).filteredOn(a -> a.startsWith("D ")).hasSize(4);
      assertThat(second).endsWith("E ERROR 53400", "Z E");
    }
  }

  @Test
  void aFetchSizeDoesNotEvadeTheLimit() throws SQLException {
    try (Connection connection = gateway.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.setFetchSize(3);
      ResultSet rows = statement.executeQuery(MANY);
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 20; i++) {
                  rows.next();
                }
              })
          .extracting(e -> ((SQLException) e).getSQLState())
          .isEqualTo("53400");
      connection.rollback();
      assertThat(statement.execute("SELECT 1")).isTrue();
    }
  }

  @Test
  void aCopyOutIsLimitedToo() throws Exception {
    try (Connection connection = gateway.connect()) {
      var copy = connection.unwrap(PGConnection.class).getCopyAPI();
      assertThatThrownBy(
              () -> copy.copyOut("COPY (" + MANY + ") TO STDOUT", OutputStream.nullOutputStream()))
          .extracting(e -> ((SQLException) e).getSQLState())
          .isEqualTo("53400");
      assertThat(copy.copyOut("COPY (" + TEN + ") TO STDOUT", OutputStream.nullOutputStream()))
          .isEqualTo(10);
    }
  }

  @Test
  void tooManyBytesEndInAnError() throws IOException {
    limits("bytesPerOperation: 64Ki");
    try (WireClient client = gateway.wire()) {
      assertThat(client.exchange(query("SELECT repeat('x', 100000)")))
          .endsWith("E ERROR 53400", "Z I");
      assertThat(client.exchange(query("SELECT repeat('x', 30000)"))).contains("C SELECT 1");
      assertThat(client.exchange(query(MANY))).endsWith("E ERROR 53400", "Z I");
    }
  }

  @Test
  void tooManyOperationsInAMinuteAreRefused() throws IOException {
    limits("operationsPerMinute: 5");
    try (WireClient client = gateway.wire();
        WireClient other = gateway.wire()) {
      for (int i = 0; i < 5; i++) {
        assertThat(client.exchange(query("SELECT 1"))).contains("C SELECT 1");
      }
      assertThat(client.exchange(query("SELECT 1"))).containsExactly("E ERROR 53400", "Z I");
      assertThat(other.exchange(run("SELECT 1"), sync())).endsWith("E ERROR 53400", "Z I");
      limits("operationsPerMinute: 1000");
      assertThat(client.exchange(query("SELECT 1"))).contains("C SELECT 1");
    }
  }

  @Test
  void aPolicyEditIsInForceForTheNextOperationOfOpenConnections() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.exchange(parse("s", TEN), sync());
      assertThat(client.exchange(bind("", "s"), execute("", 0), sync())).contains("C SELECT 10");
      limits("rowsPerOperation: 9");
      assertThat(client.exchange(bind("", "s"), execute("", 0), sync()))
          .endsWith("E ERROR 53400", "Z I");
    }
  }

  @Test
  void anEditOfTheConnectionsLimitsIsInForceOnTheSamePort() throws Exception {
    int port = gateway.port();
    try (WireClient client = gateway.wire()) {
      String longer = "SELECT 1 -- " + "x".repeat(3_000);
      assertThat(client.exchange(query(longer))).contains("C SELECT 1");
      GatewayUnderTest.writeConnection(
          gateway.directory(), server.port(), "{statementBytes: 2Ki}", "mode: Disable");
      gateway.apply();
      assertThat(gateway.port()).isEqualTo(port);
      assertThat(client.exchange(query(longer))).containsExactly("E ERROR 54000", "Z I");
      GatewayUnderTest.writeConnection(
          gateway.directory(), server.port(), "{statementBytes: 2Mi}", "mode: Disable");
      gateway.apply();
      assertThat(client.exchange(query("SELECT 1 -- " + "x".repeat(1_500_000))))
          .contains("C SELECT 1");
    }
  }

  @Test
  void aConnectionThatMovesToAnotherPortIsStillCounted() throws Exception {
    Path file = gateway.directory().resolve("connection.yaml");
    Files.writeString(file, Files.readString(file).replace("15432", "15433"));
    gateway.apply();
    try (WireClient client = gateway.wire()) {
      assertThat(client.exchange(query("SELECT 1"))).contains("C SELECT 1");
      assertThat(gateway.registry().find("chaperone.client.connections").gauge().value())
          .isEqualTo(1);
    }
  }
}
