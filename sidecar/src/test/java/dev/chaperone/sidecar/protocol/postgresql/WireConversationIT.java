package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.close;
import static dev.chaperone.sidecar.testing.WireClient.copyData;
import static dev.chaperone.sidecar.testing.WireClient.copyDone;
import static dev.chaperone.sidecar.testing.WireClient.copyFail;
import static dev.chaperone.sidecar.testing.WireClient.describe;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.flush;
import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static dev.chaperone.sidecar.testing.WireClient.terminate;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The same bytes sent to the server and through the gateway bring the same answers. */
@ParameterizedClass
@EnumSource(TestPostgres.Kind.class)
class WireConversationIT {
  private static final String MARK = "mark";

  /** The row that answers the mark. */
  private static final String MARKED = "D 0001000000046d61726b";

  private static final String PROTOCOL_VIOLATION = "E ERROR 08P01";

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

  private WireClient direct() throws IOException {
    WireClient client = WireClient.connect(server.port());
    client.logIn("postgres", TestPostgres.DATABASE);
    return client;
  }

  /** What is allowed, in every sub-protocol. */
  private static byte[] allowedConversation() {
    return join(
        query("SELECT 1, 'one', NULL"),
        query(""),
        query("SELECT 1; SELECT 2;"),
        query("SELECT 1/0"),
        run("SELECT id, v FROM t ORDER BY id"),
        sync(),
        parse("s", "SELECT v FROM t WHERE id = $1"),
        describe('S', "s"),
        bind("p", "s", "2"),
        describe('P', "p"),
        execute("p", 0),
        flush(),
        close('P', "p"),
        close('S', "s"),
        sync(),
        parse("", ""),
        bind("", ""),
        execute("", 0),
        sync(),
        query("BEGIN"),
        run("SELECT nonsense"),
        sync(),
        query("ROLLBACK"),
        query("COPY log FROM STDIN"),
        copyData("1\ta\n2\t"),
        copyData("b\n"),
        copyDone(),
        query("COPY log TO STDOUT"),
        query("TRUNCATE log"),
        query("COPY log FROM STDIN"),
        copyData("1\ta\n"),
        copyFail("changed my mind"),
        sync());
  }

  private static byte[] refusedConversation() {
    return join(
        query("SELECT * FROM denied"),
        run("SELECT * FROM denied"),
        sync(),
        query("BEGIN"),
        query("DROP TABLE denied"),
        query("ROLLBACK"),
        run("INSERT INTO log VALUES (1, 'x')"),
        run("DELETE FROM denied"),
        sync());
  }

  @Test
  void whatIsAllowedIsAnsweredAsTheServerAnswers() throws IOException {
    try (WireClient through = gateway.wire();
        WireClient direct = direct()) {
      byte[] conversation = allowedConversation();
      assertThat(converse(through, conversation)).isEqualTo(converse(direct, conversation));
    }
  }

  @Test
  void aConversationSplitAnywhereIsAnsweredTheSame() throws Exception {
    byte[] conversation = join(allowedConversation(), refusedConversation());
    try (WireClient client = gateway.wire()) {
      List<String> whole = converse(client, conversation);
      assertThat(whole).hasSizeGreaterThan(60);
      for (int split = 1; split < conversation.length; split++) {
        client.send(Arrays.copyOfRange(conversation, 0, split));
        Thread.sleep(1);
        assertThat(converse(client, Arrays.copyOfRange(conversation, split, conversation.length)))
            .as("split at byte " + split)
            .isEqualTo(whole);
      }
    }
  }

  @Test
  void aConversationSentByteByByteIsAnsweredTheSame() throws Exception {
    byte[] conversation = join(allowedConversation(), refusedConversation());
    try (WireClient client = gateway.wire()) {
      List<String> whole = converse(client, conversation);
      for (int i = 0; i < conversation.length; i++) {
        client.send(new byte[] {conversation[i]});
        if (i % 4 == 0) {
          Thread.sleep(1);
        }
      }
      assertThat(converse(client)).isEqualTo(whole);
    }
  }

  @Test
  void theStartupPacketMayComeByteByByteWithAQueryRightBehind() throws Exception {
    try (WireClient client = WireClient.connect(gateway.port())) {
      sendByteByByte(client, WireClient.gssRequest());
      assertThat(client.readByte()).isEqualTo('N');
      sendByteByByte(client, WireClient.sslRequest());
      assertThat(client.readByte()).isEqualTo('N');
      sendByteByByte(client, WireClient.startup("user", "x", "database", TestPostgres.DATABASE));
      assertThat(WireClient.types(client.readToReady())).isEqualTo("RKZ");
    }
    try (WireClient client = WireClient.connect(gateway.port())) {
      client.send(
          WireClient.startup("user", "x", "database", TestPostgres.DATABASE), query("SELECT 1"));
      assertThat(WireClient.types(client.readToReady())).isEqualTo("RKZ");
      assertThat(WireClient.types(client.readToReady())).isEqualTo("TDCZ");
    }
  }

  private static void sendByteByByte(WireClient client, byte[] bytes) throws Exception {
    for (byte b : bytes) {
      client.send(new byte[] {b});
      Thread.sleep(1);
    }
  }

  private static Map<Character, byte[]> unnamed() {
    Map<Character, byte[]> messages = new LinkedHashMap<>();
    messages.put('P', parse("", "SELECT v FROM t ORDER BY id"));
    messages.put('B', bind("", ""));
    messages.put('D', describe('P', ""));
    messages.put('E', execute("", 2));
    messages.put('C', close('S', ""));
    messages.put('S', sync());
    messages.put('H', flush());
    messages.put('Q', query("SELECT 7"));
    messages.put('d', copyData("1\tx\n"));
    messages.put('c', copyDone());
    messages.put('f', copyFail("no"));
    return messages;
  }

  private static Map<Character, byte[]> named() {
    Map<Character, byte[]> messages = unnamed();
    messages.put('P', parse("s", "SELECT v FROM t ORDER BY id"));
    messages.put('B', bind("p", "s"));
    messages.put('D', describe('S', "s"));
    messages.put('E', execute("p", 2));
    messages.put('C', close('S', "s"));
    messages.put('Q', query("BEGIN; SELECT 7; COMMIT"));
    return messages;
  }

  @Test
  void messagesInEveryOrderAreAnsweredAsTheServerAnswers() throws IOException {
    compareAll(unnamed(), new byte[0], 3);
  }

  @Test
  void messagesInEveryOrderWithNamesAreAnsweredAsTheServerAnswers() throws IOException {
    compareAll(named(), new byte[0], 3);
  }

  @Test
  void messagesInEveryOrderDuringCopyAreAnsweredAsTheServerAnswers() throws IOException {
    Map<Character, byte[]> messages = unnamed();
    messages.put('Q', query("COPY log FROM STDIN"));
    compareAll(messages, query("COPY log FROM STDIN"), 2);
    compareAll(messages, run("COPY log FROM STDIN"), 2);
  }

  @Test
  void messagesInEveryOrderInATransactionAreAnsweredAsTheServerAnswers() throws IOException {
    compareAll(unnamed(), query("BEGIN"), 2);
    compareAll(unnamed(), join(query("BEGIN"), query("SELECT 1/0")), 2);
    compareAll(named(), run("SELECT 1/0"), 2);
  }

  private void compareAll(Map<Character, byte[]> alphabet, byte[] before, int longest)
      throws IOException {
    List<String> different = new ArrayList<>();
    WireClient through = gateway.wire();
    WireClient direct = direct();
    try {
      for (String sequence : sequences(alphabet.keySet(), longest)) {
        byte[] messages = before;
        for (int i = 0; i < sequence.length(); i++) {
          messages = join(messages, alphabet.get(sequence.charAt(i)));
        }
        List<String> expected = converse(direct, messages);
        List<String> actual = converse(through, messages);
        if (expected.get(expected.size() - 1).startsWith("E FATAL")) {
          // The server gives up where rows are mixed with other messages. The gateway refuses the
          // message in the same words and goes on.
          int refused = expected.indexOf(PROTOCOL_VIOLATION) + 1;
          if (refused == 0
              || !actual.contains(MARKED)
              || !actual.subList(0, refused).equals(expected.subList(0, refused))) {
            different.add(sequence + "\n  server:  " + expected + "\n  gateway: " + actual);
          }
          through.close();
          direct.close();
          through = gateway.wire();
          direct = direct();
        } else if (!actual.equals(expected)) {
          different.add(sequence + "\n  server:  " + expected + "\n  gateway: " + actual);
          through.close();
          direct.close();
          through = gateway.wire();
          direct = direct();
        }
      }
    } finally {
      through.close();
      direct.close();
    }
    assertThat(different).isEmpty();
  }

  private static List<String> sequences(Iterable<Character> alphabet, int longest) {
    List<String> all = new ArrayList<>();
    List<String> last = List.of("");
    for (int i = 0; i < longest; i++) {
      List<String> next = new ArrayList<>();
      for (String head : last) {
        for (char type : alphabet) {
          next.add(head + type);
        }
      }
      all.addAll(next);
      last = next;
    }
    return all;
  }

  /** Something to find the end of an answer by, whatever came before it. */
  private static byte[] mark() {
    return join(copyFail("end"), sync(), query("ROLLBACK"), query("SELECT '" + MARK + "'"));
  }

  /** Sends and reads up to the answer to the mark, which shows that the session is usable. */
  private static List<String> converse(WireClient client, byte[]... messages) throws IOException {
    client.send(join(messages), mark());
    List<String> answers = new ArrayList<>();
    while (true) {
      List<Message> some = client.readToReady();
      answers.addAll(WireClient.texts(some));
      boolean marked = some.stream().anyMatch(m -> m.toString().equals(MARKED));
      if (marked || some.isEmpty() || some.get(some.size() - 1).type() != 'Z') {
        return answers;
      }
    }
  }

  @Test
  void thousandsOfOutstandingSyncsAreAnswered() throws Exception {
    int count = 5_000;
    byte[] one = join(run("SELECT 1"), sync());
    byte[] all = new byte[one.length * count];
    for (int i = 0; i < count; i++) {
      System.arraycopy(one, 0, all, i * one.length, one.length);
    }
    try (WireClient client = gateway.wire()) {
      Thread sender = sendInBackground(client, all);
      for (int i = 0; i < count; i++) {
        assertThat(WireClient.types(client.readToReady())).isEqualTo("12DCZ");
      }
      sender.join(10_000);
      assertThat(converse(client)).contains(MARKED);
    }
  }

  @Test
  void aHundredThousandMessagesWithoutASyncDoNotLockUp() throws Exception {
    int count = 25_000;
    byte[] one = join(run("SELECT 1"), close('P', ""));
    byte[] all = new byte[one.length * count];
    for (int i = 0; i < count; i++) {
      System.arraycopy(one, 0, all, i * one.length, one.length);
    }
    try (WireClient client = gateway.wire()) {
      Thread sender = sendInBackground(client, join(all, sync()));
      List<Message> answers = client.readToReady();
      sender.join(10_000);
      assertThat(answers).hasSize(count * 5 + 1);
      assertThat(converse(client)).contains(MARKED);
    }
  }

  private static Thread sendInBackground(WireClient client, byte[] bytes) {
    Thread sender =
        new Thread(
            () -> {
              try {
                client.send(bytes);
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            });
    sender.setDaemon(true);
    sender.start();
    return sender;
  }

  @Test
  void moreThanTenThousandPortalsMayBeUsedInOneTransaction() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.exchange(query("BEGIN"));
      for (int i = 0; i < 10_100; i++) {
        String name = "p" + i;
        client.send(
            parse("", "SELECT 1"), bind(name, ""), execute(name, 0), close('P', name), sync());
        assertThat(WireClient.types(client.readToReady())).as(name).isEqualTo("12DC3Z");
      }
    }
  }

  @Test
  void whatWasSentBeforeTerminateIsAnsweredAsTheServerDoes() throws Exception {
    byte[][] conversation = {
      query("SELECT 'one'; SELECT pg_sleep(0.2)::text"),
      parse("", "SELECT repeat('x', 10000) FROM generate_series(1, 1000)"),
      bind("", ""),
      execute("", 0),
      sync(),
      terminate()
    };
    List<List<String>> answers = new ArrayList<>();
    for (WireClient one : List.of(direct(), gateway.wire())) {
      try (WireClient client = one) {
        client.send(conversation);
        answers.add(WireClient.texts(client.readToEnd()));
      }
    }
    assertThat(answers.get(0))
        .contains("D 0001000000036f6e65")
        .hasSizeGreaterThan(1_000)
        .endsWith("Z I");
    assertThat(answers.get(1)).isEqualTo(answers.get(0));
    await().until(() -> gateway.clientCount() == 0);
  }

  @Test
  void whatStandsBehindTerminateDoesNotHideTheClientsEnd() throws Exception {
    byte[] more = query("SELECT '" + "x".repeat(100_000) + "'");
    WireClient client = gateway.wire();
    // While the first is settled, what follows is read into a buffer; more of it than that holds.
    client.send(query("SET search_path = public"), query("SELECT pg_sleep(25)"), terminate());
    client.send(more, more, more);
    client.readTo('Z');
    client.close();
    await().atMost(Duration.ofSeconds(10)).until(() -> gateway.clientCount() == 0);
  }

  @Test
  void whatWasSentBeforeTerminateIsExecuted() throws Exception {
    for (String how : List.of("waits for the end", "closes at once", "half-closes")) {
      server.execute("TRUNCATE log");
      WireClient client = gateway.wire();
      client.send(query("INSERT INTO log VALUES (1, '" + how + "')"), terminate());
      if (how.startsWith("waits")) {
        client.readToEnd();
      } else if (how.startsWith("half")) {
        client.endOutput();
      } else {
        client.close();
      }
      for (int i = 0; i < 50 && server.query("SELECT who FROM log").isEmpty(); i++) {
        Thread.sleep(50);
      }
      assertThat(server.query("SELECT who FROM log")).containsExactly(how);
      client.close();
    }
  }

  /** Fixed seed: what fails once fails again. */
  @Test
  void damagedConversationsNeverHangTheGateway() throws Exception {
    Random random = new Random(20_261_121);
    byte[] conversation = join(allowedConversation(), refusedConversation());
    byte[] startup = WireClient.startup("user", "x", "database", TestPostgres.DATABASE);
    for (int i = 0; i < 250; i++) {
      byte[] damaged = join(startup, conversation);
      int from = i % 3 == 0 ? 0 : startup.length;
      for (int n = 1 + random.nextInt(4); n > 0; n--) {
        int at = from + random.nextInt(damaged.length - from);
        switch (random.nextInt(4)) {
          case 0:
            damaged[at] = (byte) random.nextInt(256);
            break;
          case 1:
            damaged[at] ^= (byte) (1 << random.nextInt(8));
            break;
          case 2:
            damaged =
                join(
                    Arrays.copyOfRange(damaged, 0, at),
                    Arrays.copyOfRange(
                        damaged,
                        Math.min(damaged.length, at + 1 + random.nextInt(8)),
                        damaged.length));
            break;
          default:
            damaged =
                join(
                    Arrays.copyOfRange(damaged, 0, at),
                    Arrays.copyOfRange(damaged, at, Math.min(damaged.length, at + 20)),
                    Arrays.copyOfRange(damaged, at, damaged.length));
            break;
        }
        if (damaged.length <= from + 1) {
          break;
        }
      }
      try (WireClient client = WireClient.connect(gateway.port())) {
        client.send(damaged);
        client.endOutput();
        assertThat(client.readToEnd()).as("round " + i).isNotNull();
      } catch (java.net.SocketException e) {
        // A reset is an end too.
        assertThat(e).isNotNull();
      }
    }
    // No client and no backend is left over, but for the gateway's own connection.
    await()
        .ignoreExceptions() // The server may still be ending the last of so many sessions.
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () -> {
              assertThat(gateway.clientCount()).isZero();
              assertThat(server.query("SELECT pid FROM pg_stat_activity WHERE usename = 'agent'"))
                  .hasSizeLessThan(2);
            });
    try (WireClient client = gateway.wire()) {
      assertThat(converse(client)).contains(MARKED);
    }
    assertThat(server.query("SELECT 1 FROM pg_class WHERE relname = 'denied'")).hasSize(1);
  }
}
