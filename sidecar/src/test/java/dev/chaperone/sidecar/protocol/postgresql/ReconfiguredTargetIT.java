package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.query;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.recording.Event;
import dev.chaperone.recording.SessionReader;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A connection that leads to another target than before: nothing learnt of the first one counts.
 */
class ReconfiguredTargetIT {
  private static final String MASKED =
      """
        rules:
        - {name: reads, effects: [Read], action: Allow}
        masking:
        - {columns: [public.people.ssn], with: Redact}
      """;

  private TestPostgres first;
  private TestPostgres second;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    first = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    first.reset();
    second = TestPostgres.start(TestPostgres.Kind.EMBEDDED, Map.of());
    gateway = GatewayUnderTest.start(first);
  }

  @AfterEach
  void stop() {
    gateway.close();
    second.close();
  }

  private void leadToTheSecond() throws Exception {
    GatewayUnderTest.writeConfiguration(gateway.directory(), second.port(), "");
    gateway.apply();
  }

  private static String last(List<Message> answers) {
    return new String(answers.get(answers.size() - 1).body(), StandardCharsets.UTF_8);
  }

  @Test
  void masksBindToTheColumnsOfTheTargetThatIsAsked() throws Exception {
    first.execute(
        "CREATE TABLE people (id int, ssn text, name text)",
        "INSERT INTO people VALUES (1, '078-05-1120', 'first')",
        "GRANT SELECT ON people TO agent");
    // Of the same name, its columns elsewhere, under another oid.
    second.execute(
        "CREATE TABLE other (id int)",
        "CREATE TABLE people (id int, name text, more text, ssn text)",
        "INSERT INTO people VALUES (2, 'second', 'more', '219-09-9999')",
        "CREATE VIEW shown AS SELECT id, ssn AS number FROM people",
        "GRANT SELECT ON people, shown TO agent");
    gateway.policy(MASKED);
    try (WireClient client = gateway.wire()) {
      assertThat(client.exchange(query("SELECT id, ssn, name FROM people")))
          .anyMatch(row -> row.contains(hex("[redacted]")) && row.contains(hex("first")));
      leadToTheSecond();
      assertThat(last(client.readToEnd())).contains("connect again");
    }
    for (String sql :
        List.of("SELECT id, ssn, name FROM people", "SELECT id, number, 'second' FROM shown")) {
      try (WireClient client = gateway.wire()) {
        List<String> answers = client.exchange(query(sql));
        assertThat(answers).as(sql).noneMatch(row -> row.contains(hex("219-09-9999")));
        assertThat(answers)
            .as(sql)
            .anyMatch(row -> row.contains(hex("[redacted]")) && row.contains(hex("second")));
      }
    }
  }

  @Test
  void theRecordingSaysWhichOperationsWentWhere() throws Exception {
    Path recording = gateway.recording();
    try (WireClient client = gateway.wire()) {
      client.exchange(query("SELECT 'first'"));
      leadToTheSecond();
      client.readToEnd();
    }
    try (WireClient client = gateway.wire()) {
      client.exchange(query("SELECT 'second'"));
    }
    assertThat(gateway.recording()).isEqualTo(recording);
    List<String> said = new ArrayList<>();
    try (SessionReader reader = new SessionReader(recording)) {
      for (var event = reader.next(); event.isPresent(); event = reader.next()) {
        if (event.get().event() instanceof Event.TargetChanged changed) {
          said.add("port " + changed.target().port());
        } else if (event.get().event() instanceof Event.OperationRequested requested) {
          said.add(requested.statement().value().text().text().orElseThrow());
        }
      }
    }
    assertThat(said).containsExactly("SELECT 'first'", "port " + second.port(), "SELECT 'second'");
  }

  private static String hex(String text) {
    StringBuilder hex = new StringBuilder();
    for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
      hex.append("%02x".formatted(one));
    }
    return hex.toString();
  }
}
