package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.startup;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.PortForward;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The name of a target leads to another server than before, or to several, while the first one
 * lives on: each client is judged by the catalog of the server that it is on, or not served.
 */
@Tag("long")
class MovedTargetIT {
  private static final String MASKED =
      """
        rules:
        - {name: reads, effects: [Read], action: Allow}
        - {name: changes, effects: [Write, Schema], action: Allow}
        masking:
        - {columns: [public.people.ssn], with: Redact}
      """;

  private TestPostgres first;
  private TestPostgres second;
  private final AtomicInteger port = new AtomicInteger();
  private final AtomicReference<IntSupplier> leads = new AtomicReference<>(port::get);
  private PortForward name;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    first = TestPostgres.start(TestPostgres.Kind.EMBEDDED, Map.of());
    second = TestPostgres.start(TestPostgres.Kind.EMBEDDED, Map.of());
    port.set(first.port());
    name = new PortForward(() -> leads.get().getAsInt());
  }

  @AfterEach
  void stop() {
    if (gateway != null) {
      gateway.close();
    }
    name.close();
    first.close();
    second.close();
  }

  private void serve() {
    gateway = GatewayUnderTest.start(name.port(), "");
    gateway.policy(MASKED);
  }

  private void createPeople(TestPostgres server, String... before) {
    server.execute(before);
    server.execute(
        "CREATE TABLE people (id int, ssn text)",
        "INSERT INTO people VALUES (1, '078-05-1120')",
        "GRANT ALL ON people TO agent",
        "GRANT CREATE ON SCHEMA public TO agent");
  }

  @Test
  void eachClientIsJudgedByTheCatalogOfTheServerThatItIsOn() throws Exception {
    createPeople(first);
    // What is masked is shown by a view that the first server does not have.
    createPeople(second, "CREATE TABLE other (id int)");
    second.execute(
        "CREATE VIEW shown AS SELECT id, ssn AS number FROM people",
        "GRANT SELECT ON shown TO agent");
    serve();
    try (WireClient early = gateway.wire()) {
      assertThat(early.exchange(query("SELECT ssn FROM people")))
          .anyMatch(row -> row.contains(hex("[redacted]")));
      port.set(second.port());
      try (WireClient late = gateway.wire()) {
        for (String sql : List.of("SELECT ssn FROM people", "SELECT number FROM shown")) {
          List<String> answers = late.exchange(query(sql));
          assertThat(answers).as(sql).noneMatch(row -> row.contains(hex("078-05-1120")));
          assertThat(answers).as(sql).anyMatch(row -> row.contains(hex("[redacted]")));
        }
      }
      // The catalog in force is the second server's now.
      early.send(query("SELECT ssn FROM people"));
      assertThat(last(early.readToEnd())).contains("57P01").contains("another server");
    }
  }

  @Test
  void serversThatAreAlikeServeTheSameClients() throws Exception {
    createPeople(first);
    createPeople(second);
    AtomicInteger turn = new AtomicInteger();
    try (PortForward turns =
        new PortForward(() -> turn.getAndIncrement() % 2 == 0 ? first.port() : second.port())) {
      gateway = GatewayUnderTest.start(turns.port(), "");
      gateway.policy(MASKED);
      for (int i = 0; i < 6; i++) {
        try (WireClient client = gateway.wire()) {
          assertThat(client.exchange(query("SELECT ssn FROM people")))
              .anyMatch(row -> row.contains(hex("[redacted]")));
        }
      }
    }
    assertThat(turn.get()).isGreaterThan(6);
  }

  @Test
  void serversThatAreNotAlikeAreNotServedInTurn() throws Exception {
    createPeople(first);
    createPeople(second, "CREATE TABLE other (id int)");
    AtomicInteger turn = new AtomicInteger();
    // The gateway looks at the catalog on the one, and its client is led to the other: each time.
    try (PortForward turns =
            new PortForward(() -> turn.getAndIncrement() % 2 == 0 ? first.port() : second.port());
        GatewayUnderTest refusing = GatewayUnderTest.start(turns.port(), "");
        WireClient client = WireClient.connect(refusing.port())) {
      client.send(startup("user", "x", "database", TestPostgres.DATABASE));
      assertThat(last(client.readToEnd())).contains("57P03").contains("not alike");
    }
  }

  @Test
  void aClientThatChangesAServerOtherThanTheOneThatIsLookedAtEnds() throws Exception {
    createPeople(first);
    createPeople(second);
    serve();
    try (WireClient early = gateway.wire()) {
      port.set(second.port());
      try (WireClient late = gateway.wire()) {
        late.exchange(query("SELECT 1"));
      }
      // Both are alike, so that both are served; this one changes what nobody looks at any more.
      early.send(query("CREATE TABLE more (id int)"));
      early.send(query("INSERT INTO more VALUES (1)"));
      assertThat(last(early.readToEnd())).contains("57P01").contains("another server");
    }
    try (Connection direct = first.superuser();
        Statement statement = direct.createStatement();
        ResultSet rows = statement.executeQuery("SELECT count(*) FROM more")) {
      assertThat(rows.next()).isTrue();
      assertThat(rows.getInt(1)).isZero();
    }
  }

  @Test
  void whatIsSentAheadOfTheAnswerIsJudgedByTheServerThatItGoesTo() throws Exception {
    createPeople(first);
    createPeople(second, "CREATE TABLE other (id int)");
    second.execute(
        "CREATE VIEW shown AS SELECT id, ssn AS number FROM people",
        "GRANT SELECT ON shown TO agent");
    serve();
    try (WireClient early = gateway.wire()) {
      early.exchange(query("SELECT 1"));
      port.set(second.port());
      try (WireClient eager = WireClient.connect(gateway.port())) {
        eager.send(
            join(
                startup("user", "x", "database", TestPostgres.DATABASE),
                query("SELECT number FROM shown")));
        eager.readToReady();
        List<String> rows =
            eager.readToReady().stream()
                .filter(message -> message.type() == 'D')
                .map(message -> HexFormat.of().formatHex(message.body()))
                .toList();
        assertThat(rows).singleElement().asString().contains(hex("[redacted]"));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whereTheOtherServerCannotBeLookedAtItsClientsAreNotServed(boolean answersNothing)
      throws Exception {
    createPeople(first);
    createPeople(second, "CREATE TABLE other (id int)");
    serve();
    try (WireClient early = gateway.wire();
        ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      early.exchange(query("SELECT 1"));
      if (!answersNothing) {
        silent.close();
      }
      // The client's own connection is led to the second server, what comes after it nowhere.
      AtomicInteger turn = new AtomicInteger();
      leads.set(() -> turn.getAndIncrement() == 0 ? second.port() : silent.getLocalPort());
      try (WireClient late = WireClient.connect(gateway.port())) {
        late.send(startup("user", "x", "database", TestPostgres.DATABASE));
        assertThat(last(late.readToEnd())).contains("57P03").contains("could not be read again");
      }
      assertThat(turn.get()).isGreaterThan(1);
      assertThat(early.exchange(query("SELECT ssn FROM people")))
          .anyMatch(row -> row.contains(hex("[redacted]")));
    }
  }

  @Test
  void aServerThatDoesNotSayWhichItIsIsNotServed() throws Exception {
    createPeople(first);
    first.execute("REVOKE EXECUTE ON FUNCTION pg_catalog.pg_postmaster_start_time() FROM PUBLIC");
    serve();
    try (WireClient client = WireClient.connect(gateway.port())) {
      client.send(startup("user", "x", "database", TestPostgres.DATABASE));
      assertThat(last(client.readToEnd()))
          .contains("FATAL")
          .contains("refused to say what its catalog holds");
    }
  }

  private static String last(List<Message> answers) {
    return new String(answers.get(answers.size() - 1).body(), StandardCharsets.UTF_8);
  }

  private static String hex(String text) {
    return HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
  }
}
