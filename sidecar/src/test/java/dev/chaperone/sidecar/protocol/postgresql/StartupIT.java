package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.cString;
import static dev.chaperone.sidecar.testing.WireClient.copyData;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.int16;
import static dev.chaperone.sidecar.testing.WireClient.int32;
import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.message;
import static dev.chaperone.sidecar.testing.WireClient.messageOfLength;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.startup;
import static dev.chaperone.sidecar.testing.WireClient.startupPacket;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Messages that are wrong, too long, or not for this gateway. */
class StartupIT {
  private static TestPostgres server;
  private static GatewayUnderTest gateway;

  @BeforeAll
  static void start() {
    server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    gateway =
        GatewayUnderTest.start(
            server.port(), "{statementBytes: 64Ki, messageBytes: 256Ki, clientConnections: 20}");
  }

  @AfterAll
  static void stop() {
    gateway.close();
  }

  static Stream<Arguments> startupPackets() {
    return Stream.of(
        Arguments.of("too short", int32(4), "08P01"),
        Arguments.of("negative", int32(-8), "08P01"),
        Arguments.of("too long", int32(1_000_000), "08P01"),
        Arguments.of("HTTP", "GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII), "08P01"),
        Arguments.of("protocol 2", join(int32(8), int32(2 << 16)), "0A000"),
        Arguments.of(
            "no end", join(int32(12), int32(3 << 16), new byte[] {'u', 's', 'e', 'r'}), "08P01"),
        Arguments.of("twice", startup("user", "x", "user", "y"), "08P01"),
        Arguments.of("other database", startup("user", "x", "database", "other"), "3D000"),
        Arguments.of("replication", startup("user", "x", "replication", "true"), "0A000"),
        Arguments.of("encoding", startup("user", "x", "client_encoding", "SJIS"), "0A000"),
        Arguments.of(
            "not UTF-8",
            join(
                int32(20),
                int32(3 << 16),
                new byte[] {'u', 0, (byte) 0xff, 0, 'a', 0, 'b', 0, 'c', 0, 'd', 0}),
            "08P01"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("startupPackets")
  void aBadStartupPacketIsRefused(String what, byte[] packet, String sqlState) throws IOException {
    try (WireClient client = WireClient.connect(gateway.port())) {
      List<Message> answers = client.send(packet).readToEnd();
      assertThat(answers).as(what).hasSize(1);
      assertThat(answers.get(0).field('V')).isEqualTo("FATAL");
      assertThat(answers.get(0).field('C')).isEqualTo(sqlState);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "options=-c database=other",
        "options=-c user=postgres",
        "options=--replication=database",
        "options=-c replication=true",
        "options=-c options=-cx.y=z",
        "options=-c _pq_.x=y",
        "Database=other",
        "USER=postgres",
        "Replication=true",
        "OPTIONS=-c search_path=a"
      })
  void noSpellingTakesThePlaceOfWhatTheGatewaySaysToTheTarget(String parameter) throws IOException {
    String[] pair = parameter.split("=", 2);
    try (WireClient client = WireClient.connect(gateway.port())) {
      client.send(startup("user", "x", pair[0], pair[1]));
      List<Message> answers = client.readToReady();
      assertThat(WireClient.types(answers)).isEqualTo("E");
      assertThat(answers.get(0).field('C')).isEqualTo("22023");
    }
  }

  @Test
  void settingsOfTheStartupPacketAreJudgedAsTheirSet() throws IOException {
    try (WireClient client = WireClient.connect(gateway.port())) {
      client.send(
          startup(
              "user",
              "x",
              "options",
              "-c search_path=a --statement_timeout=5s",
              "application_name",
              "it's"));
      assertThat(WireClient.types(client.readToReady())).isEqualTo("RKZ");
      assertThat(client.exchange(query("SELECT v FROM t"))).containsExactly("E ERROR 42501", "Z I");
      assertThat(client.exchange(query("SHOW statement_timeout"))).contains("D 0001000000023573");
    }
    for (String options :
        List.of(
            "-c standard_conforming_strings=off",
            "-c session_replication_role=replica",
            "-c role=postgres",
            "-d 5")) {
      gateway.policy(GatewayUnderTest.READS_ONLY);
      try (WireClient client = WireClient.connect(gateway.port())) {
        client.send(startup("user", "x", "options", options));
        assertThat(WireClient.types(client.readToReady())).as(options).isEqualTo("E");
      } finally {
        gateway.policy(GatewayUnderTest.ALL_BUT_DENIED);
      }
    }
  }

  @Test
  void version32AndProtocolOptionsAreNegotiatedDown() throws IOException {
    try (WireClient client = WireClient.connect(gateway.port())) {
      client.send(
          startupPacket((3 << 16) | 2, "user", "x", "_pq_.future", "1", "database", "orders"));
      List<Message> answers = client.readToReady();
      assertThat(WireClient.types(answers)).isEqualTo("vRKZ");
      assertThat(answers.get(0).body())
          .isEqualTo(join(int32(3 << 16), int32(1), cString("_pq_.future")));
      assertThat(answers.stream().filter(m -> m.type() == 'K').findFirst().orElseThrow().body())
          .hasSize(8);
      assertThat(client.exchange(query("SELECT 1"))).contains("C SELECT 1");
    }
  }

  static Stream<Arguments> endingMessages() {
    return Stream.of(
        Arguments.of("length 3", messageOfLength('Q', 3, new byte[0])),
        Arguments.of("length -1", messageOfLength('Q', -1, new byte[0])),
        Arguments.of("length 0", messageOfLength('S', 0, new byte[0])),
        Arguments.of("unknown type", message('z')),
        Arguments.of("NUL type", messageOfLength('\0', 4, new byte[0])),
        Arguments.of("password", message('p', cString("again"))),
        Arguments.of("server's type", message('T', int16(0))),
        Arguments.of(
            "unknown type after an error",
            join(run("SELECT * FROM nonsense"), flush2(), message('z'))),
        Arguments.of(
            "unknown type after a refusal", join(run("SELECT * FROM denied"), message('z'))));
  }

  private static byte[] flush2() {
    return WireClient.flush();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("endingMessages")
  void whatIsNotUnderstoodEndsTheConnection(String what, byte[] bytes) throws IOException {
    try (WireClient client = gateway.wire()) {
      List<Message> answers = client.send(bytes).readToEnd();
      assertThat(answers).as(what).isNotEmpty();
      Message last = answers.get(answers.size() - 1);
      assertThat(last).asString().isEqualTo("E FATAL 08P01");
    }
  }

  static Stream<Arguments> refusedMessages() {
    String longName = "n".repeat(64);
    byte[] invalid = {'S', 'E', 'L', 'E', 'C', 'T', ' ', '\'', (byte) 0xc0, (byte) 0xaf, '\'', 0};
    return Stream.of(
        Arguments.of("FunctionCall", message('F', int32(1), int16(0), int16(0), int16(0)), "0A000"),
        Arguments.of(
            "NUL inside Query", message('Q', cString("SELECT 1"), cString("; SELECT 2")), "08P01"),
        Arguments.of(
            "Query without NUL",
            message('Q', "SELECT 1".getBytes(StandardCharsets.UTF_8)),
            "08P01"),
        Arguments.of("empty Query body", message('Q'), "08P01"),
        Arguments.of("invalid UTF-8", message('Q', invalid), "22021"),
        Arguments.of(
            "invalid UTF-8 in Parse",
            join(message('P', new byte[1], invalid, int16(0)), sync()),
            "22021"),
        Arguments.of("long statement name", join(parse(longName, "SELECT 1"), sync()), "42622"),
        Arguments.of(
            "long portal name",
            join(parse("", "SELECT 1"), WireClient.bind(longName, ""), sync()),
            "42622"),
        Arguments.of(
            "cut-off Bind",
            join(parse("", "SELECT 1"), message('B', cString(""), cString(""), int16(9)), sync()),
            "08P01"),
        Arguments.of(
            "Bind with a negative length",
            join(
                parse("", "SELECT 1"),
                message('B', cString(""), cString(""), int16(0), int16(1), int32(-2), int16(0)),
                sync()),
            "08P01"),
        Arguments.of("Describe of nothing", join(message('D', cString("Xx")), sync()), "08P01"),
        Arguments.of("Close of nothing", join(message('C', cString("Xx")), sync()), "08P01"),
        Arguments.of(
            "Execute with more",
            join(message('E', cString(""), int32(0), int32(0)), sync()),
            "08P01"),
        Arguments.of(
            "statement above statementBytes", query("SELECT 1 -- " + "x".repeat(70_000)), "54000"),
        Arguments.of(
            "Parse above statementBytes",
            join(parse("", "SELECT 1 -- " + "x".repeat(70_000)), sync()),
            "54000"),
        Arguments.of(
            "Bind above messageBytes",
            join(
                parse("", "SELECT $1::text"), WireClient.bind("", "", "x".repeat(300_000)), sync()),
            "54000"),
        Arguments.of("long Execute", join(execute("x".repeat(20_000), 0), sync()), "54000"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refusedMessages")
  void whatIsRefusedKeepsTheConnection(String what, byte[] bytes, String sqlState)
      throws IOException {
    try (WireClient client = gateway.wire()) {
      for (String before : List.of("SELECT 1", "BEGIN")) {
        client.exchange(query(before));
        List<String> answers = client.exchange(bytes);
        assertThat(answers).as(what).contains("E ERROR " + sqlState);
        assertThat(answers.get(answers.size() - 1))
            .isEqualTo(before.equals("BEGIN") ? "Z E" : "Z I");
      }
      client.exchange(query("ROLLBACK"));
      assertThat(client.exchange(query("SELECT 1"))).contains("C SELECT 1");
    }
  }

  @Test
  void copyDataAboveMessageBytesFailsTheCopyAlone() throws IOException {
    server.execute("TRUNCATE log");
    try (WireClient client = gateway.wire()) {
      for (boolean extended : new boolean[] {false, true}) {
        client.send(
            extended ? run("COPY log FROM STDIN") : query("COPY log FROM STDIN"),
            copyData("1\tx\n"),
            copyData("1\t" + "x".repeat(300_000) + "\n"),
            copyData("1\tx\n"),
            WireClient.copyDone(),
            extended ? sync() : new byte[0]);
        assertThat(WireClient.texts(client.readToReady())).contains("E ERROR 54000");
        assertThat(client.exchange(query("SELECT 1"))).contains("C SELECT 1");
      }
    }
    assertThat(server.query("SELECT count(*) FROM log")).containsExactly("0");
  }

  @Test
  void aCancelNeedsTheSecretTheClientWasGiven() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(query("SELECT pg_sleep(1.5)"));
      Thread.sleep(200);
      for (int wrong : new int[] {client.secret() + 1, 0}) {
        try (WireClient other = WireClient.connect(gateway.port())) {
          other.send(WireClient.cancelRequest(client.processId(), wrong));
          assertThat(other.readToEnd()).isEmpty();
        }
      }
      assertThat(WireClient.texts(client.readToReady())).contains("C SELECT 1");
      client.send(query("SELECT pg_sleep(30)"));
      Thread.sleep(200);
      try (WireClient other = WireClient.connect(gateway.port())) {
        other.send(WireClient.cancelRequest(client.processId(), client.secret()));
        assertThat(other.readToEnd()).isEmpty();
      }
      assertThat(WireClient.texts(client.readToReady()))
          .containsExactly(
              "T 000170675f736c65657000000000000000000008e60004ffffffff0000"
                  .replace("08e6", "08e6"),
              "E ERROR 57014",
              "Z I");
    }
  }

  @Test
  void theSecretIsNotTheServersOwn() throws IOException {
    try (WireClient client = gateway.wire();
        WireClient direct = WireClient.connect(server.port())) {
      client.send(query("SELECT pg_sleep(1)"));
      direct.send(WireClient.cancelRequest(client.processId(), client.secret()));
      direct.readToEnd();
      assertThat(WireClient.texts(client.readToReady())).contains("C SELECT 1");
    }
  }

  @Test
  void tooManyClientConnectionsAreRefusedAndCountedBack() throws Exception {
    var open = new java.util.ArrayList<WireClient>();
    for (int i = 0; i < 100 && gateway.clientCount() > 0; i++) {
      Thread.sleep(20);
    }
    try {
      for (int i = 0; i < 20; i++) {
        open.add(gateway.wire());
      }
      try (WireClient client = WireClient.connect(gateway.port())) {
        client.send(startup("user", "x", "database", "orders"));
        assertThat(client.readToEnd()).singleElement().hasToString("E FATAL 53300");
      }
      open.remove(0).close();
      for (int i = 0; i < 100 && gateway.clientCount() > 19; i++) {
        Thread.sleep(20);
      }
      open.add(gateway.wire());
    } finally {
      open.forEach(WireClient::close);
    }
  }
}
