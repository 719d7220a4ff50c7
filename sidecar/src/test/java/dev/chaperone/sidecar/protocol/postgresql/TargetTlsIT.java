package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.startup;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestAuthority;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.TlsRelay;
import dev.chaperone.sidecar.testing.TlsRelay.Onward;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLServerSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS to real servers, with what each setting promises, and with somebody in between. */
@Tag("long")
class TargetTlsIT {

  /** Certificates with signatures of several kinds; {@code orders.test} is signed by a CA. */
  private static final String CERTIFICATES =
      """
      set -e
      self() { # NAME, KIND OF KEY, OPTIONS
        name=$1; kind=$2; shift 2
        openssl req -x509 -nodes -days 2 -subj /CN=$name -newkey $kind -keyout $name.key -out $name.crt "$@"
      }
      signed() { # NAME, COMMON NAME
        openssl req -newkey rsa:2048 -nodes -subj /CN=$2 -keyout $1.key -out $1.csr
        printf "subjectAltName=DNS:$2" > ext
        openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out $1.crt
      }
      self ca rsa:2048
      self other rsa:2048
      self cert_user rsa:2048
      self rsa-sha256 rsa:2048 -sha256
      self rsa-sha1 rsa:2048 -sha1
      self ecdsa-sha512 ec -pkeyopt ec_paramgen_curve:P-256 -sha512
      self pss-sha384 rsa:2048 -sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48
      self ed25519 ed25519
      signed server orders.test
      signed client cert_user
      signed renewed cert_user
      signed other-user somebody
      openssl rsa -in client.key -traditional -out client-pkcs1.key
      grep -q 'BEGIN RSA PRIVATE KEY' client-pkcs1.key
      chmod 600 *.key
      chown --reference=PG_VERSION *.key *.crt
      """;

  /** PostgreSQL documentation, "SSL Session Encryption": sslnegotiation, new in 17. */
  private static final int DIRECT_TLS_SINCE = 170_000;

  private static TestPostgres server;
  private static TestAuthority.Server impostor;

  @BeforeAll
  static void start() throws Exception {
    impostor = new TestAuthority().server("127.0.0.1");
    server = TestPostgres.start(TestPostgres.Kind.EMBEDDED, Map.of("ssl", "off"));
    Process openssl =
        new ProcessBuilder("sh", "-c", CERTIFICATES)
            .directory(server.data().toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(openssl.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(openssl.waitFor()).as(output).isZero();
    server.execute("CREATE ROLE cert_user LOGIN", "CREATE ROLE trusted LOGIN");
    Files.writeString(
        server.data().resolve("pg_hba.conf"),
        """
        host all postgres 127.0.0.1/32 trust
        hostssl all trusted 127.0.0.1/32 trust
        hostssl all md5_user 127.0.0.1/32 md5
        hostssl all clear_user 127.0.0.1/32 password
        hostssl all cert_user 127.0.0.1/32 cert
        host all agent 127.0.0.1/32 scram-sha-256
        """);
    shows("server");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  /** Starts the server anew with that certificate. */
  private static void shows(String name) throws IOException {
    server.stop();
    server.startProcess(
        Map.of(
            "ssl",
            "on",
            "ssl_cert_file",
            name + ".crt",
            "ssl_key_file",
            name + ".key",
            "ssl_ca_file",
            "ca.crt"));
  }

  private static String file(String name) throws IOException {
    return Files.readString(server.data().resolve(name));
  }

  /** Puts other TLS settings in force. */
  private static void settings(GatewayUnderTest gateway, int port, String tls) throws IOException {
    GatewayUnderTest.writeConnection(gateway.directory(), port, "", tls);
    gateway.apply();
  }

  private static void secret(GatewayUnderTest gateway, String name, String... keysAndFiles)
      throws IOException {
    StringBuilder yaml =
        new StringBuilder("apiVersion: v1\nkind: Secret\nmetadata: {name: ")
            .append(name)
            .append(", namespace: support}\nstringData:\n");
    for (int i = 0; i < keysAndFiles.length; i += 2) {
      yaml.append("  ").append(keysAndFiles[i]).append(": |\n");
      yaml.append(file(keysAndFiles[i + 1]).indent(4));
    }
    Files.writeString(gateway.directory().resolve(name + ".yaml"), yaml);
  }

  private static Message answer(GatewayUnderTest gateway) throws IOException {
    try (WireClient client = WireClient.connect(gateway.port())) {
      client.send(startup("user", "x", "database", TestPostgres.DATABASE));
      List<Message> answers = client.readToReady();
      return answers.get(answers.size() - 1);
    }
  }

  private static String logIn(GatewayUnderTest gateway) throws IOException {
    return answer(gateway).toString();
  }

  private static String logIn(GatewayUnderTest gateway, int port, String tls) throws IOException {
    settings(gateway, port, tls);
    return logIn(gateway);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Require", "VerifyCA", "VerifyFull"})
  void checksOfTheCertificateWhatItsModeSays(String mode) throws Exception {
    boolean verifies = !mode.equals("Require");
    String trust = verifies ? ", caSecretRef: {name: orders-ca, key: ca.crt}" : "";
    String right = "mode: " + mode + ", serverName: orders.test" + trust;
    try (GatewayUnderTest gateway = GatewayUnderTest.start(server.port(), "")) {
      secret(gateway, "orders-ca", "ca.crt", "ca.crt");
      assertThat(logIn(gateway, server.port(), right)).isEqualTo("Z I");
      assertThat(logIn(gateway, server.port(), right.replace("orders.test", "wrong.test")))
          .isEqualTo(mode.equals("VerifyFull") ? "E FATAL 08001" : "Z I");
      for (String user : List.of("md5_user", "clear_user")) {
        gateway.secret(user, TestPostgres.PASSWORD);
        server.execute("GRANT ALL ON DATABASE orders TO " + user);
        assertThat(logIn(gateway, server.port(), right))
            .as(user)
            .isEqualTo(verifies ? "Z I" : "E FATAL 28000");
        assertThat(logIn(gateway, server.port(), "mode: Disable")).startsWith("E FATAL");
      }
      if (verifies) {
        gateway.secret(TestPostgres.USER, TestPostgres.PASSWORD);
        secret(gateway, "orders-ca", "ca.crt", "other.crt");
        assertThat(logIn(gateway, server.port(), right)).isEqualTo("E FATAL 08001");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"rsa-sha256", "rsa-sha1", "ecdsa-sha512", "pss-sha384"})
  void bindsTheLogInToCertificatesWithSignaturesOfEachKind(String certificate) throws Exception {
    shows(certificate);
    try (GatewayUnderTest gateway = GatewayUnderTest.start(server.port(), "")) {
      assertThat(logIn(gateway, server.port(), "mode: Require, channelBinding: Require"))
          .isEqualTo("Z I");
    } finally {
      shows("server");
    }
  }

  /** An impostor could otherwise get around it by its choice of a certificate. */
  @Test
  void aCertificateThatCannotBeBoundToIsRefusedUnlessBindingIsDisabled() throws Exception {
    shows("ed25519");
    try (GatewayUnderTest gateway = GatewayUnderTest.start(server.port(), "")) {
      settings(gateway, server.port(), "mode: Require");
      Message refused = answer(gateway);
      assertThat(refused).hasToString("E FATAL 28000");
      assertThat(refused.field('M')).contains("no log-in can be bound to");
      assertThat(logIn(gateway, server.port(), "mode: Require, channelBinding: Disable"))
          .isEqualTo("Z I");
    } finally {
      shows("server");
    }
  }

  @Test
  void somebodyInBetweenCannotRelayALogIn() throws Exception {
    for (Onward onward : List.of(Onward.TLS, Onward.TLS_WITHOUT_BINDING)) {
      try (TlsRelay relay = new TlsRelay(impostor, server.port(), onward);
          GatewayUnderTest gateway = GatewayUnderTest.start(server.port(), "")) {
        for (String binding : List.of("Prefer", "Require")) {
          settings(gateway, relay.port(), "mode: Require, channelBinding: " + binding);
          Message refused = answer(gateway);
          assertThat(refused).as(onward + " " + binding).hasToString("E FATAL 28000");
          assertThat(refused.field('M'))
              .contains(
                  onward == Onward.TLS_WITHOUT_BINDING && binding.equals("Require")
                      ? "logs in without channel binding"
                      : "does not see the TLS connection");
        }
        assertThat(gateway.registry().find("chaperone.login.failures").counters())
            .anyMatch(counter -> "channel-binding".equals(counter.getId().getTag("cause")));
        // The relay itself works, for who does not bind.
        assertThat(logIn(gateway, relay.port(), "mode: Require, channelBinding: Disable"))
            .isEqualTo("Z I");
      }
    }
  }

  @Test
  void aProxyThatEndsTlsForAServerWithoutItIsServedUnlessBindingIsRequired() throws Exception {
    try (TlsRelay relay = new TlsRelay(impostor, server.port(), Onward.PLAIN);
        GatewayUnderTest gateway = GatewayUnderTest.start(server.port(), "")) {
      assertThat(logIn(gateway, relay.port(), "mode: Require")).isEqualTo("Z I");
      assertThat(logIn(gateway, relay.port(), "mode: Require, channelBinding: Require"))
          .isEqualTo("E FATAL 28000");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"trusted", "md5_user", "clear_user"})
  void noOtherWayToLogInPassesForABoundOne(String user) throws Exception {
    String verified = "mode: VerifyCA, caSecretRef: {name: orders-ca, key: ca.crt}";
    try (GatewayUnderTest gateway = GatewayUnderTest.start(server.port(), "")) {
      secret(gateway, "orders-ca", "ca.crt", "ca.crt");
      gateway.secret(user, TestPostgres.PASSWORD);
      assertThat(logIn(gateway, server.port(), verified)).isEqualTo("Z I");
      settings(gateway, server.port(), verified + ", channelBinding: Require");
      Message refused = answer(gateway);
      assertThat(refused).hasToString("E FATAL 28000");
      assertThat(refused.field('M')).contains("logs in without channel binding");
    }
  }

  @Test
  void logsInWithAClientCertificateAndWithItsSuccessorWithoutLosingClients() throws Exception {
    String tls = "mode: Require, clientCertificateSecretRef: {name: orders-client}";
    try (GatewayUnderTest gateway = GatewayUnderTest.start(server.port(), "")) {
      gateway.secret("cert_user", "unused");
      assertThat(logIn(gateway, server.port(), "mode: Require")).startsWith("E FATAL");
      secret(gateway, "orders-client", "tls.crt", "client.crt", "tls.key", "client.key");
      settings(gateway, server.port(), tls);
      try (WireClient before = gateway.wire()) {
        assertThat(before.exchange(query("SELECT current_user::text = 'cert_user'")))
            .contains("D 00010000000174");
        for (String wrong : List.of("cert_user", "other-user")) {
          secret(gateway, "orders-client", "tls.crt", wrong + ".crt", "tls.key", wrong + ".key");
          gateway.apply();
          assertThat(logIn(gateway)).as(wrong).startsWith("E FATAL");
        }
        secret(gateway, "orders-client", "tls.crt", "renewed.crt", "tls.key", "renewed.key");
        gateway.apply();
        assertThat(logIn(gateway)).isEqualTo("Z I");
        assertThat(before.exchange(query("SELECT 1"))).contains("C SELECT 1");
      }
      // What many tools write, PKCS #1, does as well.
      secret(gateway, "orders-client", "tls.crt", "client.crt", "tls.key", "client-pkcs1.key");
      gateway.apply();
      assertThat(logIn(gateway)).isEqualTo("Z I");
    }
  }

  @Test
  void aKeyOfAnotherCertificateIsRefusedBeforeItIsUsed() throws Exception {
    try (GatewayUnderTest gateway = GatewayUnderTest.start(server.port(), "")) {
      secret(gateway, "orders-client", "tls.crt", "client.crt", "tls.key", "renewed.key");
      assertThatThrownBy(
              () ->
                  settings(
                      gateway,
                      server.port(),
                      "mode: Require, clientCertificateSecretRef: {name: orders-client}"))
          .hasMessageContaining("is not the key of the first certificate of tls.crt")
          .message()
          .doesNotContain(file("renewed.key").substring(60, 90));
    }
  }

  @Test
  void directTlsIsServedAndCancelledByARealServer() throws Exception {
    try (GatewayUnderTest gateway = GatewayUnderTest.start(server.port(), "")) {
      settings(gateway, server.port(), "mode: Require, negotiation: Direct");
      if (Integer.parseInt(server.query("SHOW server_version_num").get(0)) < DIRECT_TLS_SINCE) {
        // It takes the handshake for a startup packet.
        assertThat(logIn(gateway)).startsWith("E FATAL 08");
        return;
      }
      try (WireClient client = gateway.wire()) {
        client.send(query("SELECT count(*) FROM generate_series(1, 3), pg_sleep(60)"));
        Thread.sleep(200);
        try (WireClient other = WireClient.connect(gateway.port())) {
          other.send(WireClient.cancelRequest(client.processId(), client.secret()));
          assertThat(other.readToEnd()).isEmpty();
        }
        assertThat(WireClient.texts(client.readToReady())).contains("E ERROR 57014", "Z I");
      }
    }
  }

  @Test
  void directTlsBeginsWithTheHandshake() throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        GatewayUnderTest gateway = GatewayUnderTest.start(server.port(), "")) {
      CompletableFuture<Integer> first =
          CompletableFuture.supplyAsync(
              () -> {
                try (Socket accepted = listener.accept()) {
                  return accepted.getInputStream().read();
                } catch (IOException e) {
                  throw new IllegalStateException(e);
                }
              });
      settings(gateway, listener.getLocalPort(), "mode: Require, negotiation: Direct");
      assertThat(first.get(1, TimeUnit.MINUTES)).isEqualTo(0x16);
    }
  }

  @Test
  void directTlsWithoutAlpnIsRefused() throws Exception {
    try (SSLServerSocket listener =
            (SSLServerSocket)
                TlsRelay.server(impostor)
                    .getServerSocketFactory()
                    .createServerSocket(0, 10, InetAddress.getLoopbackAddress());
        GatewayUnderTest gateway = GatewayUnderTest.start(server.port(), "")) {
      Thread serving =
          new Thread(
              () -> {
                while (!listener.isClosed()) {
                  try {
                    listener.accept().getInputStream().read();
                  } catch (IOException e) {
                    // The gateway hung up, or the test is over.
                  }
                }
              });
      serving.setDaemon(true);
      serving.start();
      assertThat(logIn(gateway, listener.getLocalPort(), "mode: Require, negotiation: Direct"))
          .isEqualTo("E FATAL 08001");
    }
  }
}
