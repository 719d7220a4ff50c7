package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.describe;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.recording.Event;
import dev.chaperone.recording.MaskingReport;
import dev.chaperone.recording.MaskingReport.ReturnedColumn;
import dev.chaperone.recording.MaskingVerifier;
import dev.chaperone.recording.RecordedEvent;
import dev.chaperone.recording.SessionReader;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the recording proves of masks, of operations on a real server. */
class MaskingProofIT {
  private static final String RULES =
      """
        rules:
        - name: all-that-is-known
          effects: [Read, Write, Schema, SessionState]
          action: Allow
      """;

  private static final String POLICY =
      RULES
          + """
            masking:
            - {columns: [public.c.ssn], with: Partial}
            - {columns: [public.c.salary], with: Hash}
            - {columns: ["public.*.ssn"], with: Partial}
          """
              .indent(0);

  private static final String DETECTORS =
      RULES
          + """
            masking:
            - {columns: [public.c.ssn], with: Redact}
            - {detectors: [CreditCard], with: Redact}
          """
              .indent(0);

  private TestPostgres server;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    server.execute(
        "CREATE TABLE c (id int PRIMARY KEY, name text, ssn text, salary int)",
        "INSERT INTO c SELECT g, 'name ' || g, '123-45-678' || g, 1000 + g"
            + " FROM generate_series(1, 3) g",
        "CREATE VIEW v AS SELECT id, ssn AS number, lower(ssn) || name AS made FROM c",
        "CREATE TABLE free (id int, words text)",
        "INSERT INTO free VALUES (1, 'card 4111111111111111')",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + TestPostgres.USER);
    gateway = GatewayUnderTest.start(server);
    gateway.policy(POLICY);
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  private MaskingReport report() throws Exception {
    return MaskingVerifier.verify(gateway.recording());
  }

  private static Map<String, ReturnedColumn> byName(MaskingReport report) {
    return report.columns().stream()
        .collect(Collectors.toMap(ReturnedColumn::name, Function.identity()));
  }

  private List<Event> events() throws Exception {
    return events(gateway.recording());
  }

  private static List<Event> events(Path recording) throws Exception {
    List<Event> events = new ArrayList<>();
    try (SessionReader reader = new SessionReader(recording)) {
      for (var event = reader.next(); event.isPresent(); event = reader.next()) {
        events.add(event.map(RecordedEvent::event).get());
      }
    }
    return events;
  }

  @ParameterizedTest
  @ValueSource(strings = {"Masked", "Summary", "None"})
  void everyWayToAProtectedColumnIsProvenWhateverIsKeptOfResponses(String responses)
      throws Exception {
    gateway.recordingSettings("{responses: " + responses + "}");
    try (WireClient client = gateway.wire()) {
      for (String sql :
          List.of(
              "SELECT ssn, salary FROM c",
              "SELECT number, made FROM v",
              "SELECT a.ssn, b.words FROM c a LEFT JOIN free b ON a.id = b.id",
              "WITH w AS (SELECT ssn AS s FROM c) SELECT s FROM w",
              "SELECT s.x FROM (SELECT ssn AS x FROM c) s",
              "UPDATE c SET name = 'n' WHERE id = 1 RETURNING ssn")) {
        client.exchange(query(sql));
        client.exchange(run(sql), sync());
      }
      client.exchange(query("SELECT ssn FROM c; SELECT 1; SELECT salary FROM c"));
      client.exchange(query("COPY (SELECT id, name FROM c) TO STDOUT"));
      client.exchange(query("BEGIN; DECLARE k CURSOR FOR SELECT ssn FROM c"));
      client.exchange(query("FETCH 1 FROM k"));
      client.exchange(execute("k", 1), sync());
      client.exchange(query("COMMIT"));
      client.exchange(parse("s", "SELECT ssn FROM c WHERE id = $1"), describe('S', "s"), sync());
      client.exchange(
          bind("", "s", "1"), execute("", 0), bind("", "s", "2"), execute("", 0), sync());
      // A portal that has come to its end is executed once more.
      client.exchange(run("SELECT id FROM c"), execute("", 0), sync());
      // What is refused returns nothing.
      client.exchange(query("SELECT upper(ssn) FROM c"));
    }
    MaskingReport report = report();
    assertThat(report.violations()).isEmpty();
    assertThat(report.unproven()).isEmpty();
    assertThat(report.exitCode()).isZero();
    Map<String, ReturnedColumn> columns = byName(report);
    assertThat(columns.keySet())
        .containsExactlyInAnyOrder(
            "public.c.ssn", "public.c.salary", "public.v.number", "public.v.made");
    ReturnedColumn ssn = columns.get("public.c.ssn");
    // Five statements twice, the first of three, FETCH, the cursor itself, a prepared one twice.
    assertThat(ssn.operations()).isEqualTo(15);
    assertThat(ssn.functions()).containsExactly("Partial");
    assertThat(ssn.rules())
        .hasSize(2)
        .allMatch(rule -> rule.matches("support/support-agents masking\\[[02]] \\(sha256:.*\\)"));
    assertThat(ssn.unmasked()).isZero();
    assertThat(columns.get("public.v.made").shows()).containsExactly("public.c.ssn");
    assertThat(columns.get("public.c.salary").functions()).containsExactly("Hash");
  }

  @Test
  void aDriversPreparedStatementIsProvenInTextAndInBinaryFormat() throws Exception {
    try (Connection connection = gateway.connect("prepareThreshold", "2");
        PreparedStatement statement =
            connection.prepareStatement("SELECT id, ssn, salary FROM c WHERE id = ?")) {
      for (int i = 0; i < 6; i++) {
        statement.setInt(1, 1 + i % 3);
        try (ResultSet rows = statement.executeQuery()) {
          assertThat(rows.next()).isTrue();
        }
      }
    }
    MaskingReport report = report();
    assertThat(report.exitCode()).isZero();
    assertThat(byName(report).get("public.c.ssn").operations()).isEqualTo(6);
    assertThat(byName(report).get("public.c.salary").columns()).isEqualTo(6);
  }

  @Test
  void eachMoreThanTheResultsOfOneEventIsProven() throws Exception {
    int most = Event.OperationCompleted.MAX_RESULTS;
    try (WireClient client = gateway.wire()) {
      client.exchange(query("SELECT ssn FROM c;".repeat(most * 2 + 1)));
    }
    MaskingReport report = report();
    assertThat(report.exitCode()).isZero();
    assertThat(byName(report).get("public.c.ssn").columns()).isEqualTo(most * 2 + 1);
  }

  @Test
  void aPolicyThatChangesChangesWhatIsProven() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.exchange(parse("s", "SELECT ssn FROM c"), describe('S', "s"), sync());
      client.exchange(bind("", "s"), execute("", 0), sync());
      gateway.policy(DETECTORS);
      client.exchange(bind("", "s"), execute("", 0), sync());
      gateway.policy(RULES);
      client.exchange(bind("", "s"), execute("", 0), sync());
    }
    MaskingReport report = report();
    assertThat(report.violations()).isEmpty();
    assertThat(report.exitCode()).isZero();
    ReturnedColumn ssn = byName(report).get("public.c.ssn");
    assertThat(ssn.operations()).isEqualTo(2);
    assertThat(ssn.functions()).containsExactly("Partial", "Redact");
    assertThat(report.withoutMasks()).isEqualTo(1);
  }

  @Test
  void detectorsAreSaidToHaveLookedIntoText() throws Exception {
    gateway.policy(DETECTORS);
    try (WireClient client = gateway.wire()) {
      client.exchange(query("SELECT id, words AS \"card 4111111111111111\" FROM free"));
      client.exchange(run("SELECT words FROM free"), sync());
      client.exchange(query("COPY free TO STDOUT"));
    }
    assertThat(report().exitCode()).isZero();
    List<Event.Result> results =
        events().stream()
            .filter(Event.OperationCompleted.class::isInstance)
            .flatMap(event -> ((Event.OperationCompleted) event).results().stream())
            .toList();
    var described = results.get(0).columns().value().columns();
    assertThat(described.get(0).origin().orElseThrow().searched()).isFalse();
    assertThat(described.get(1).origin().orElseThrow().searched()).isTrue();
    assertThat(described.get(1).origin().orElseThrow().name()).isEqualTo("public.free.words");
    // Names are searched too, before they are recorded.
    assertThat(described.get(1).name()).isEqualTo("card [redacted]");
  }

  @Test
  void aClientThatHangsUpLeavesTheProofOfWhatItGot() throws Exception {
    server.execute(
        "INSERT INTO c SELECT g, repeat('x', 1000), '123-45-6789', 1"
            + " FROM generate_series(10, 60000) g");
    try (WireClient client = gateway.wire()) {
      client.send(query("SELECT name, ssn FROM c"));
      client.readTo('D');
    }
    org.awaitility.Awaitility.await()
        .untilAsserted(
            () ->
                assertThat(events()).anyMatch(event -> event instanceof Event.ClientDisconnected));
    MaskingReport report = report();
    assertThat(report.exitCode()).isZero();
    assertThat(byName(report).get("public.c.ssn").operations()).isOne();
  }

  @Test
  void withNothingMaskedNothingIsWrittenOfMasks() throws Exception {
    gateway.policy(RULES);
    try (WireClient client = gateway.wire()) {
      client.exchange(query("SELECT ssn FROM c"));
      client.exchange(run("SELECT ssn FROM c"), sync());
    }
    MaskingReport report = report();
    assertThat(report.exitCode()).isZero();
    assertThat(report.underMasks()).isZero();
    assertThat(report.withoutMasks()).isEqualTo(2);
    assertThat(events())
        .filteredOn(Event.OperationCompleted.class::isInstance)
        .allMatch(
            event ->
                ((Event.OperationCompleted) event)
                    .results()
                    .get(0)
                    .columns()
                    .value()
                    .masks()
                    .isEmpty());
  }

  @Test
  void rowsOfACursorThatAreReadByTheProtocolAreRecorded() throws Exception {
    gateway.policy(RULES);
    try (WireClient client = gateway.wire()) {
      client.exchange(query("BEGIN; DECLARE k CURSOR FOR SELECT name FROM c ORDER BY id"));
      client.exchange(execute("k", 2), sync());
    }
    List<Event.Result> results =
        events().stream()
            .filter(Event.OperationCompleted.class::isInstance)
            .flatMap(event -> ((Event.OperationCompleted) event).results().stream())
            .toList();
    assertThat(results.get(results.size() - 1).rows()).isEqualTo(2);
  }
}
