package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.gssRequest;
import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.sslRequest;
import static dev.chaperone.sidecar.testing.WireClient.startup;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestAuthority;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS towards clients: real ones, and those that try to get around it. */
@Tag("long")
class AgentTlsIT {
  private static final TestAuthority AUTHORITY = new TestAuthority();

  @TempDir static Path directory;

  private static GatewayUnderTest gateway;
  private static Path trusted;

  @BeforeAll
  static void start() throws IOException {
    TestPostgres server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    gateway = GatewayUnderTest.start(server);
    trusted = Files.writeString(directory.resolve("ca.pem"), AUTHORITY.pem());
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  @BeforeEach
  void requireTls() {
    gateway.listenTls(AUTHORITY.server("127.0.0.1"), true);
  }

  private static Connection connect(Path authority, String negotiation) throws SQLException {
    return gateway.connect(
        "sslmode",
        "verify-full",
        "sslrootcert",
        authority.toString(),
        "sslNegotiation",
        negotiation,
        "gssEncMode",
        "disable");
  }

  private static String value(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getString(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"postgres", "direct"})
  void pgjdbcVerifiesTheGatewayAndWorksThroughIt(String negotiation) throws SQLException {
    try (Connection connection = connect(trusted, negotiation);
        Statement statement = connection.createStatement()) {
      long bytes = 0;
      try (ResultSet rows =
          statement.executeQuery("SELECT repeat('x', 1000) FROM generate_series(1, 20000)")) {
        while (rows.next()) {
          bytes += rows.getString(1).length();
        }
      }
      assertThat(bytes).isEqualTo(20_000_000);
      assertThatThrownBy(() -> statement.executeQuery("SELECT * FROM denied"))
          .isInstanceOfSatisfying(
              SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("42501"));
      statement.setQueryTimeout(1);
      assertThatThrownBy(() -> statement.executeQuery("SELECT pg_sleep(60)"))
          .isInstanceOfSatisfying(
              SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("57014"));
      assertThat(value(connection, "SELECT 1")).isEqualTo("1");
    }
  }

  @Test
  void psqlVerifiesTheGateway() throws Exception {
    ProcessBuilder psql =
        new ProcessBuilder("psql", "-X", "-At", "-c", "\\conninfo", "-c", "SELECT 40 + 2")
            .redirectErrorStream(true);
    psql.environment().keySet().removeIf(name -> name.startsWith("PG"));
    psql.environment()
        .putAll(
            Map.of(
                "PGHOST",
                "127.0.0.1",
                "PGPORT",
                Integer.toString(gateway.port()),
                "PGUSER",
                "whoever",
                "PGDATABASE",
                TestPostgres.DATABASE,
                "PGSSLMODE",
                "verify-full",
                "PGSSLROOTCERT",
                trusted.toString()));
    Process process;
    try {
      process = psql.start();
    } catch (IOException e) {
      System.err.println("NOT RUN: psql with TLS, there is no psql here");
      Assumptions.abort("psql is not installed");
      return;
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output).contains("SSL").contains("TLSv1.3").endsWith("42\n");
  }

  @Test
  void plaintextIsRefusedWhereTlsIsRequiredAndServedWhereItIsNot() throws Exception {
    try (WireClient client = WireClient.connect(gateway.port())) {
      client.send(startup("user", "x", "database", TestPostgres.DATABASE));
      Message refused = client.readToEnd().get(0);
      assertThat(refused).hasToString("E FATAL 28000");
      assertThat(refused.field('M')).contains("TLS only");
    }
    gateway.listenTls(AUTHORITY.server("127.0.0.1"), false);
    try (WireClient client = gateway.wire()) {
      assertThat(client.exchange(WireClient.query("SELECT 1"))).contains("C SELECT 1");
    }
    try (Connection connection = connect(trusted, "postgres")) {
      assertThat(value(connection, "SELECT 1")).isEqualTo("1");
    }
  }

  /** CVE-2021-23214: what stands behind the request would be taken for what comes encrypted. */
  @Test
  void nothingThatCameInClearBehindARequestIsUsed() throws IOException {
    byte[] behind = startup("user", "x", "database", TestPostgres.DATABASE);
    for (byte[] request : new byte[][] {sslRequest(), gssRequest()}) {
      for (byte[] more : new byte[][] {behind, new byte[1]}) {
        try (WireClient client = WireClient.connect(gateway.port())) {
          client.send(join(request, more));
          assertThat(client.readToEnd()).singleElement().hasToString("E FATAL 08P01");
        }
      }
    }
    try (WireClient client = WireClient.connect(gateway.port())) {
      client.send(sslRequest());
      assertThat(client.readByte()).isEqualTo('S');
      client.send(behind);
      // An alert, and the end; ContentType of RFC 8446, section 5.1.
      assertThat(client.readByte()).isIn(0x15, -1);
    }
  }

  @Test
  void aHandshakeThatDoesNotGoOnIsEnded() throws IOException {
    try (WireClient client = WireClient.connect(gateway.port());
        WireClient direct = WireClient.connect(gateway.port())) {
      client.send(sslRequest());
      assertThat(client.readByte()).isEqualTo('S');
      direct.send(new byte[] {0x16, 3, 1});
      assertThat(client.readByte()).isIn(0x15, -1);
      assertThat(direct.readByte()).isIn(0x15, -1);
    }
  }

  private static SSLSocket direct(String... protocols)
      throws IOException, GeneralSecurityException {
    KeyStore trust = KeyStore.getInstance("PKCS12");
    trust.load(null, null);
    trust.setCertificateEntry(
        "ca",
        CertificateFactory.getInstance("X.509").generateCertificate(Files.newInputStream(trusted)));
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(trust);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, factory.getTrustManagers(), null);
    SSLSocket socket =
        (SSLSocket)
            context
                .getSocketFactory()
                .createSocket(InetAddress.getLoopbackAddress(), gateway.port());
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(protocols);
    socket.setSSLParameters(parameters);
    socket.setSoTimeout(60_000);
    return socket;
  }

  private static String firstAnswer(Socket socket, byte[] request) throws IOException {
    socket.getOutputStream().write(request);
    DataInputStream in = new DataInputStream(socket.getInputStream());
    char type = (char) in.readUnsignedByte();
    byte[] body = in.readNBytes(in.readInt() - 4);
    return new Message(type, body).toString();
  }

  @Test
  void directTlsNeedsAlpn() throws Exception {
    byte[] request = startup("user", "x", "database", TestPostgres.DATABASE);
    try (SSLSocket socket = direct("postgresql")) {
      assertThat(firstAnswer(socket, request)).isEqualTo("R 00000000");
    }
    try (SSLSocket socket = direct()) {
      assertThat(firstAnswer(socket, request)).isEqualTo("E FATAL 08P01");
    }
    try (SSLSocket socket = direct("http/1.1")) {
      assertThatThrownBy(socket::startHandshake).isInstanceOf(SSLException.class);
    }
  }

  @Test
  void noSecondEncryptionIsNegotiatedInside() throws Exception {
    for (byte[] request : new byte[][] {sslRequest(), gssRequest()}) {
      try (SSLSocket socket = direct("postgresql")) {
        assertThat(firstAnswer(socket, request)).isEqualTo("E FATAL 0A000");
      }
    }
  }

  @Test
  void anotherCertificateIsShownToTheNextClientAndKeepsThoseThatAreOpen() throws Exception {
    TestAuthority successor = new TestAuthority();
    Path other = Files.writeString(directory.resolve("successor.pem"), successor.pem());
    try (Connection before = connect(trusted, "postgres")) {
      gateway.listenTls(successor.server("127.0.0.1"), true);
      try (Connection after = connect(other, "postgres")) {
        assertThat(value(after, "SELECT 1")).isEqualTo("1");
      }
      assertThatThrownBy(() -> connect(trusted, "postgres")).isInstanceOf(SQLException.class);
      assertThat(value(before, "SELECT 1")).isEqualTo("1");
    }
  }
}
