package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.cString;
import static dev.chaperone.sidecar.testing.WireClient.int16;
import static dev.chaperone.sidecar.testing.WireClient.int32;
import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.message;
import static dev.chaperone.sidecar.testing.WireClient.messageOfLength;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.startup;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.LyingTarget;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A target that lies, stumbles or is away: the client is told in its own protocol, and no more. */
@Tag("long")
class HostileTargetIT {

  /** Answers each connection by a script. */
  private static final class Target implements AutoCloseable {
    interface Script {
      void play(DataInputStream in, OutputStream out) throws IOException;
    }

    private final ServerSocket listener;

    Target(Script script) throws IOException {
      listener = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
      Thread thread =
          new Thread(
              () -> {
                while (!listener.isClosed()) {
                  try {
                    Socket socket = listener.accept();
                    Thread one = new Thread(() -> serve(socket, script));
                    one.setDaemon(true);
                    one.start();
                  } catch (IOException e) {
                    return;
                  }
                }
              });
      thread.setDaemon(true);
      thread.start();
    }

    private static void serve(Socket socket, Script script) {
      try (socket) {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        in.skipNBytes(in.readInt() - 4L);
        script.play(in, socket.getOutputStream());
      } catch (IOException e) {
        // The gateway hung up: that is for the test to notice.
      }
    }

    int port() {
      return listener.getLocalPort();
    }

    @Override
    public void close() throws IOException {
      listener.close();
    }
  }

  private static byte[] authentication(int code, byte[]... more) {
    return message('R', int32(code), join(more));
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] skipMessage(DataInputStream in) throws IOException {
    in.readByte();
    byte[] body = new byte[in.readInt() - 4];
    in.readFully(body);
    return body;
  }

  static Stream<Arguments> loginScripts() {
    String sasl = "SCRAM-SHA-256";
    return Stream.of(
        script("closes at once", "08001", (in, out) -> {}),
        script("garbage", "08006", (in, out) -> out.write(new byte[] {'?', 0, 0, 0, 4})),
        script(
            "oversized", "08006", (in, out) -> out.write(messageOfLength('R', 1 << 30, int32(0)))),
        script(
            "negative length", "08006", (in, out) -> out.write(messageOfLength('R', -5, int32(0)))),
        script("clear password without TLS", "28000", (in, out) -> out.write(authentication(3))),
        script("md5 without TLS", "28000", (in, out) -> out.write(authentication(5, int32(7)))),
        script("kerberos", "28000", (in, out) -> out.write(authentication(7))),
        script(
            "unknown SASL",
            "28000",
            (in, out) -> out.write(authentication(10, cString("PLAIN"), new byte[1]))),
        script(
            "channel binding without TLS",
            "08006",
            (in, out) ->
                out.write(
                    authentication(10, cString("SCRAM-SHA-256-PLUS"), cString(sasl), new byte[1]))),
        script("SASL cut off", "08006", (in, out) -> out.write(authentication(10, ascii("SCR")))),
        script(
            "skips SASLFinal",
            "08006",
            (in, out) -> {
              out.write(authentication(10, cString(sasl), new byte[1]));
              String nonce = nonce(skipMessage(in));
              out.write(authentication(11, ascii("r=" + nonce + "abc,s=c2FsdHNhbHQ=,i=4096")));
              skipMessage(in);
              out.write(authentication(0));
            }),
        script(
            "wrong signature",
            "28000",
            (in, out) -> {
              out.write(authentication(10, cString(sasl), new byte[1]));
              String nonce = nonce(skipMessage(in));
              out.write(authentication(11, ascii("r=" + nonce + "abc,s=c2FsdHNhbHQ=,i=4096")));
              skipMessage(in);
              out.write(
                  authentication(12, ascii("v=d3Jvbmdzd3Jvbmdzd3Jvbmdzd3Jvbmdzd3Jvbmdzd3I=")));
              out.write(authentication(0));
            }),
        script(
            "SASLFinal first",
            "08006",
            (in, out) -> {
              out.write(authentication(10, cString(sasl), new byte[1]));
              skipMessage(in);
              out.write(authentication(12, ascii("v=d3Jvbmdz")));
            }),
        script(
            "another nonce",
            "08006",
            (in, out) -> {
              out.write(authentication(10, cString(sasl), new byte[1]));
              skipMessage(in);
              out.write(authentication(11, ascii("r=mine,s=c2FsdHNhbHQ=,i=4096")));
            }),
        script(
            "two billion iterations",
            "08006",
            (in, out) -> {
              out.write(authentication(10, cString(sasl), new byte[1]));
              String nonce = nonce(skipMessage(in));
              out.write(authentication(11, ascii("r=" + nonce + "x,s=c2FsdHNhbHQ=,i=2000000000")));
            }),
        script(
            "another encoding",
            "08006",
            (in, out) ->
                out.write(
                    join(
                        authentication(0),
                        message('S', cString("client_encoding"), cString("LATIN1")),
                        message('S', cString("standard_conforming_strings"), cString("on")),
                        message('Z', new byte[] {'I'})))),
        script(
            "says nothing of its encoding",
            "08006",
            (in, out) -> out.write(join(authentication(0), message('Z', new byte[] {'I'})))),
        script(
            "tells its host and password",
            "28000",
            (in, out) ->
                out.write(
                    message(
                        'E',
                        cString("SFATAL"),
                        cString("VFATAL"),
                        cString("C28P01"),
                        cString(
                            "Mpassword authentication failed for user agent on db.internal.example"),
                        new byte[1]))),
        script(
            "too many",
            "53300",
            (in, out) ->
                out.write(
                    message(
                        'E',
                        cString("SFATAL"),
                        cString("VFATAL"),
                        cString("C53300"),
                        cString("Msecret detail"),
                        new byte[1]))),
        script(
            "error without end", "08006", (in, out) -> out.write(message('E', ascii("SFATAL")))));
  }

  private static String nonce(byte[] initialResponse) {
    String text = new String(initialResponse, StandardCharsets.UTF_8);
    return text.substring(text.indexOf(",r=") + 3);
  }

  private static Arguments script(String name, String sqlState, Target.Script script) {
    return Arguments.of(name, sqlState, script);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("loginScripts")
  void aTargetThatDoesNotLogInProperlyIsReportedWithoutASecret(
      String name, String sqlState, Target.Script script) throws IOException {
    try (Target target =
            new Target(
                (in, out) -> {
                  script.play(in, out);
                  out.flush();
                  if (!name.startsWith("closes")) {
                    in.read();
                  }
                });
        GatewayUnderTest gateway = GatewayUnderTest.start(target.port(), "")) {
      for (int round = 0; round < 2; round++) {
        try (WireClient client = WireClient.connect(gateway.port())) {
          client.send(startup("user", "x", "database", "orders"));
          List<Message> answers = client.readToEnd();
          assertThat(answers).as(name).hasSize(1);
          assertThat(answers.get(0)).hasToString("E FATAL " + sqlState);
          assertThat(new String(answers.get(0).body(), StandardCharsets.UTF_8))
              .doesNotContain("127.0.0.1")
              .doesNotContain(Integer.toString(target.port()))
              .doesNotContain(TestPostgres.USER + " ")
              .doesNotContain(TestPostgres.PASSWORD)
              .doesNotContain("db.internal")
              .doesNotContain("secret detail");
        }
      }
    }
  }

  @Test
  void aTargetThatNeverAnswersIsGivenUp() throws IOException {
    try (Target target = new Target((in, out) -> in.read());
        GatewayUnderTest gateway = GatewayUnderTest.start(target.port(), "");
        WireClient client = WireClient.connect(gateway.port())) {
      client.send(startup("user", "x", "database", "orders"));
      assertThat(client.readToEnd()).singleElement().hasToString("E FATAL 08001");
    }
  }

  /** Whatever the target does next, it is not kept as a connection that nobody closes. */
  @Test
  void aTargetThatAnswersOnceTheConnectionIsGoneIsHungUpOn() throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    CountDownLatch replaced = new CountDownLatch(1);
    CountDownLatch hungUp = new CountDownLatch(1);
    try (Target target =
            new Target(
                (in, out) -> {
                  connected.countDown();
                  awaitOrFail(replaced);
                  try {
                    out.write(
                        join(
                            authentication(0),
                            message('S', cString("client_encoding"), cString("UTF8")),
                            message('S', cString("standard_conforming_strings"), cString("on")),
                            message('K', int32(1), int32(2)),
                            message('Z', new byte[] {'I'})));
                    out.flush();
                    in.transferTo(OutputStream.nullOutputStream());
                  } finally {
                    // Or the connection was reset by what was written to it.
                    hungUp.countDown();
                  }
                });
        TestPostgres server = TestPostgres.start(TestPostgres.Kind.EMBEDDED, Map.of());
        GatewayUnderTest gateway = GatewayUnderTest.start(target.port(), "")) {
      assertThat(connected.await(1, TimeUnit.MINUTES)).isTrue();
      // The gateway waits for this target still, and its connection is led to another.
      GatewayUnderTest.writeConfiguration(gateway.directory(), server.port(), "");
      gateway.apply();
      replaced.countDown();
      assertThat(logIn(gateway)).isEqualTo("Z I");
      assertThat(hungUp.await(1, TimeUnit.MINUTES)).isTrue();
    }
  }

  private static void awaitOrFail(CountDownLatch latch) throws IOException {
    try {
      if (!latch.await(1, TimeUnit.MINUTES)) {
        throw new IOException("the test did not go on");
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  @Test
  void bytesBehindTheAnswerToSslRequestAreAnAttack() throws IOException {
    for (byte[] answer : List.of(new byte[] {'N'}, ascii("SX"), ascii("E"), new byte[0])) {
      try (Target target = new Target((in, out) -> out.write(answer));
          GatewayUnderTest gateway = GatewayUnderTest.start(target.port(), "")) {
        GatewayUnderTest.writeConnection(gateway.directory(), target.port(), "", "mode: Require");
        gateway.apply();
        try (WireClient client = WireClient.connect(gateway.port())) {
          client.send(startup("user", "x", "database", "orders"));
          assertThat(client.readToEnd()).singleElement().hasToString("E FATAL 08001");
        }
      }
    }
  }

  static Stream<Arguments> answers() {
    byte[] ready = message('Z', new byte[] {'I'});
    return Stream.of(
        Arguments.of("unknown type", message('?')),
        Arguments.of("negative length", messageOfLength('D', -1, new byte[0])),
        Arguments.of("oversized control message", messageOfLength('T', 1 << 30, new byte[9])),
        Arguments.of("answer to another question", message('1')),
        Arguments.of("COPY that was not asked for", message('G', new byte[] {0}, int16(0))),
        Arguments.of("COPY both", message('W', new byte[] {0}, int16(0))),
        Arguments.of("authentication again", authentication(3)),
        Arguments.of(
            "encoding changed",
            join(message('S', cString("client_encoding"), cString("SJIS")), ready)),
        Arguments.of(
            "backslashes changed",
            join(message('S', cString("standard_conforming_strings"), cString("off")), ready)),
        Arguments.of("two answers", join(message('C', cString("SELECT 1")), ready, ready)),
        Arguments.of("bad transaction status", message('Z', new byte[] {'?'})),
        Arguments.of("ready of two bytes", message('Z', new byte[] {'I', 'I'})),
        Arguments.of("function result", message('V', int32(-1))),
        Arguments.of("malformed error", message('E', ascii("SERROR"))),
        Arguments.of("end", new byte[0]));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("answers")
  void anAnswerThatFitsNothingEndsTheSessionAlone(String name, byte[] answer) throws IOException {
    TestPostgres server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    try (LyingTarget target = new LyingTarget(server, answer, 1 << 16);
        GatewayUnderTest gateway = GatewayUnderTest.start(target.port(), "")) {
      try (WireClient client = gateway.wire()) {
        assertThat(client.exchange(query("SELECT 1"))).contains("C SELECT 1");
        List<Message> answers = client.send(query("SELECT 'poison'")).readToEnd();
        assertThat(answers).as(name).isNotEmpty();
        Message last = answers.get(answers.size() - 1);
        assertThat(last.type()).isEqualTo('E');
        assertThat(last.field('V')).isEqualTo("FATAL");
        assertThat(last.field('C')).isIn("08P01", "08006");
      }
      try (WireClient client = gateway.wire()) {
        assertThat(client.exchange(query("SELECT 1"))).contains("C SELECT 1");
      }
    }
  }

  @Test
  void theNextConnectionTriesAgain() throws Exception {
    try (TestPostgres server =
            TestPostgres.start(TestPostgres.Kind.EMBEDDED, Map.of("max_connections", "8"));
        GatewayUnderTest gateway = GatewayUnderTest.start(server)) {
      gateway.wire().close();
      server.stop();
      assertThat(logIn(gateway)).startsWith("E FATAL 08001");
      server.startProcess();
      assertThat(logIn(gateway)).isEqualTo("Z I");

      gateway.secret(TestPostgres.USER, "wrong-password");
      gateway.apply();
      assertThat(logIn(gateway)).startsWith("E FATAL 28000");
      server.execute("ALTER ROLE agent PASSWORD 'rotated'");
      gateway.secret(TestPostgres.USER, "rotated");
      gateway.apply();
      assertThat(logIn(gateway)).isEqualTo("Z I");

      for (String user : List.of("md5_user", "clear_user")) {
        gateway.secret(user, TestPostgres.PASSWORD);
        gateway.apply();
        assertThat(logIn(gateway)).as(user).startsWith("E FATAL 28000");
      }
      gateway.secret(TestPostgres.USER, "rotated");
      gateway.apply();
      var open = new java.util.ArrayList<WireClient>();
      String answer = "";
      for (int i = 0; i < 10 && !answer.startsWith("E"); i++) {
        WireClient client = WireClient.connect(gateway.port());
        open.add(client);
        client.send(startup("user", "x", "database", "orders"));
        List<Message> answers = client.readToReady();
        answer = answers.get(answers.size() - 1).toString();
      }
      assertThat(answer).isEqualTo("E FATAL 53300");
      open.forEach(WireClient::close);
      Thread.sleep(300);
      assertThat(logIn(gateway)).isEqualTo("Z I");
    }
  }

  private static String logIn(GatewayUnderTest gateway) throws IOException {
    try (WireClient client = WireClient.connect(gateway.port())) {
      client.send(startup("user", "x", "database", "orders"));
      List<Message> answers = client.readToReady();
      Message last = answers.get(answers.size() - 1);
      assertThat(new String(last.body(), StandardCharsets.UTF_8))
          .doesNotContain("rotated")
          .doesNotContain("wrong-password")
          .doesNotContain("127.0.0.1");
      return last.toString();
    }
  }

  @Test
  void aBackendThatIsTerminatedIsReported() throws IOException {
    TestPostgres server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    try (GatewayUnderTest gateway = GatewayUnderTest.start(server);
        WireClient client = gateway.wire()) {
      server.query("SELECT pg_terminate_backend(" + client.processId() + ")");
      assertThat(client.readToEnd()).extracting(Message::toString).containsExactly("E FATAL 57P01");
    }
  }
}
