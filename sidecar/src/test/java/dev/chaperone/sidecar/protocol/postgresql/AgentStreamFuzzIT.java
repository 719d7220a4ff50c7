package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.close;
import static dev.chaperone.sidecar.testing.WireClient.copyData;
import static dev.chaperone.sidecar.testing.WireClient.copyDone;
import static dev.chaperone.sidecar.testing.WireClient.copyFail;
import static dev.chaperone.sidecar.testing.WireClient.describe;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.flush;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/**
 * Messages of a client in any order, and what is none, to a real gateway before a real server: what
 * policy forbids does not happen, no masked value comes back, and the next client is served.
 */
class AgentStreamFuzzIT extends FuzzTest {
  private static final String SECRET = "hidden-value";
  private static final String THE_END = "the-end-of-it";

  /** How long a client listens that is not told the end: the gateway waits for it then. */
  private static final int PATIENCE_MILLIS = 300;

  private final GatewayUnderTest gateway;
  private final Connection superuser;

  AgentStreamFuzzIT() throws SQLException {
    TestPostgres server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    server.execute("UPDATE t SET v = '" + SECRET + "'");
    superuser = server.superuser();
    gateway = GatewayUnderTest.start(server);
    gateway.policy(
        """
          rules:
          - {name: reads, effects: [Read, SessionState], action: Allow}
          - {name: log, effects: [Write], resources: [public.log], action: Allow}
          masking:
          - {columns: [public.t.v], with: Redact}
        """);
  }

  @Override
  protected void finish() throws SQLException {
    gateway.close();
    superuser.close();
  }

  @Override
  protected List<byte[]> seeds() {
    return List.of(
        FuzzMessages.input(query("SELECT id, v FROM t"), query("SELECT 1; SELECT v FROM t")),
        FuzzMessages.input(
            run("SELECT v FROM t"), describe('P', ""), sync(), run("TABLE t"), sync()),
        FuzzMessages.input(
            parse("s", "SELECT v FROM t WHERE id = $1"),
            describe('S', "s"),
            flush(),
            bind("p", "s", "1"),
            execute("p", 1),
            execute("p", 1),
            close('P', "p"),
            close('S', "s"),
            sync()),
        FuzzMessages.input(
            query("BEGIN"),
            run("INSERT INTO denied VALUES (1)"),
            run("DELETE FROM t"),
            sync(),
            query("ROLLBACK"),
            query("DROP TABLE t")),
        FuzzMessages.input(
            query("COPY log FROM STDIN"),
            copyData("1\tx\n"),
            copyDone(),
            query("COPY denied FROM STDIN"),
            copyData("1\n"),
            copyFail("no"),
            query("COPY t (id) TO STDOUT")),
        FuzzMessages.input(
            run("INSERT INTO log VALUES (1, 'x')"),
            query("SET search_path = a, public"),
            run("SELECT v FROM t"),
            sync(),
            query("PREPARE x AS SELECT v FROM t"),
            query("EXECUTE x"),
            query("DISCARD ALL")));
  }

  @Override
  protected List<String> words() {
    return List.of(
        "S\0\0",
        "H\0\0",
        "c\0\0",
        "X\0\0",
        "E\0\5\0\0\0\0\0",
        "D\0\2P\0",
        "C\0\2P\0",
        "F\0\0",
        "p\0\1x",
        "DELETE FROM t",
        "SELECT v FROM t",
        "; ",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "/*",
        "*/",
        "'",
        "$1",
        "t.v",
        "t::text",
        "\0");
  }

  @Override
  protected void fuzz(byte[] input) throws Exception {
    byte[] sent = FuzzMessages.wire(new FuzzInput(input));
    try (WireClient client = gateway.wire()) {
      client.readTimeout(PATIENCE_MILLIS);
      client.send(sent, copyFail(""), sync(), query("SELECT '" + THE_END + "'"));
      String received = received(client);
      assertThat(received).doesNotContain(SECRET);
    } catch (SocketException e) {
      // The gateway hung up while it was sent more.
    }
    assertThat(fingerprint()).isEqualTo("5 " + SECRET + " 0");
  }

  /** All that the client is told until the end of what it asked, or until nothing more comes. */
  private static String received(WireClient client) throws IOException {
    StringBuilder received = new StringBuilder();
    try {
      while (received.indexOf(THE_END) < 0) {
        Message message = client.read();
        received.append(new String(message.body(), StandardCharsets.ISO_8859_1)).append('\n');
      }
    } catch (EOFException | SocketTimeoutException e) {
      // The gateway ended it, or waits for the rest of a message.
    }
    return received.toString();
  }

  private String fingerprint() throws SQLException {
    try (Statement statement = superuser.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT (SELECT count(*) || ' ' || min(v) FROM t WHERE v = '"
                    + SECRET
                    + "') || ' ' || (SELECT count(*) FROM denied)")) {
      row.next();
      return row.getString(1);
    }
  }
}
