package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.describe;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Columns that are masked with {@code predicates: Allow}: they choose, sort and group rows, and no
 * value of them is in what comes back.
 */
@ParameterizedClass
@EnumSource(TestPostgres.Kind.class)
class ComparedColumnsIT {
  private static final String POLICY =
      """
        rules:
        - name: all-that-is-known
          effects: [Read, Write, Schema, SessionState]
          action: Allow
        masking:
        - {columns: [public.c.ssn, public.c.email, public.c.code], with: Redact, predicates: Allow}
        - {columns: [public.c.salary], with: "Null", usage: Taint, predicates: Allow}
        - {columns: [public.c.pin], with: Redact, predicates: Allow}
        - {columns: [public.c.mixed], with: Redact, predicates: Allow}
        - {columns: ["public.c.mix*"], with: Redact}
      """;

  @Parameter TestPostgres.Kind kind;

  private TestPostgres server;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    server = TestPostgres.shared(kind);
    server.reset();
    server.execute(
        "CREATE TABLE c (id int PRIMARY KEY, name text, ssn text, email varchar(80), code char(20),"
            + " salary numeric, pin int, mixed text)",
        "INSERT INTO c VALUES (1, 'one', 'Zqxj-1', 'Zqxj-1', 'Zqxj-1', 771, 7731, 'Zqxj-1'),"
            + " (2, 'two', NULL, NULL, NULL, NULL, NULL, NULL),"
            + " (3, 'three', 'Zqxj-3', 'Zqxj-3', 'Zqxj-3', 773, 42, 'Zqxj-3')",
        "CREATE TABLE o (id int, word text)",
        "INSERT INTO o VALUES (7, 'Zqxj-3')",
        "CREATE VIEW v AS SELECT id, ssn FROM c",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + TestPostgres.USER);
    gateway = GatewayUnderTest.start(server);
    gateway.policy(POLICY);
  }

  @AfterEach
  void stop() {
    try {
      gateway.endProvingMasks();
    } finally {
      gateway.close();
    }
  }

  /** Bind of parameters in text, with all columns in one format. */
  private static byte[] bindTo(String statement, int format, String... parameters) {
    byte[] values = WireClient.int16(parameters.length);
    for (String parameter : parameters) {
      byte[] bytes = parameter.getBytes(StandardCharsets.UTF_8);
      values = WireClient.join(values, WireClient.int32(bytes.length), bytes);
    }
    return WireClient.message(
        'B',
        WireClient.cString(""),
        WireClient.cString(statement),
        WireClient.int16(0),
        values,
        WireClient.int16(1),
        WireClient.int16(format));
  }

  /** The first column of each row as a number; an error as its code. */
  private static String first(List<Message> messages, boolean binary) {
    List<String> values = new ArrayList<>();
    for (Message message : messages) {
      if (message.type() == 'D') {
        ByteBuffer body = ByteBuffer.wrap(message.body());
        body.getShort();
        byte[] value = new byte[body.getInt()];
        body.get(value);
        values.add(
            binary
                ? Integer.toString(ByteBuffer.wrap(value).getInt())
                : new String(value, StandardCharsets.UTF_8));
      } else if (message.type() == 'E') {
        values.add(message.field('C'));
      }
    }
    return String.join(" ", values);
  }

  private static void assertNothingOfAValue(List<Message> messages) {
    for (Message message : messages) {
      assertThat(new String(message.body(), StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT))
          .doesNotContain("zqx", "qxj", "7731", "771", "773");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "SELECT id, ssn FROM c WHERE ssn = 'Zqxj-1'; 1",
        "SELECT id, ssn, email FROM c WHERE 'Zqxj-1' < email AND NOT code = 'x'; 3",
        "SELECT id, code FROM c WHERE code = 'Zqxj-1'; 1",
        "SELECT id, ssn FROM c WHERE ssn IS NULL; 2",
        "SELECT id, pin FROM c WHERE pin BETWEEN 40 AND 50; 3",
        "SELECT id, pin FROM c WHERE pin IN (1, 7731) OR salary > 772.5 ORDER BY id; 1 3",
        "SELECT id, salary FROM c WHERE salary IS NOT DISTINCT FROM 771; 1",
        "SELECT id, salary FROM c ORDER BY salary DESC NULLS LAST; 3 1 2",
        "SELECT id, ssn AS x FROM c ORDER BY x NULLS FIRST, id; 2 1 3",
        "SELECT count(*)::int, ssn FROM c GROUP BY ssn HAVING ssn >= 'Zqxj-1'; 1 1",
        "SELECT o.id, c.ssn, c.pin FROM o JOIN c ON c.ssn = o.word; 7",
        "SELECT d.id, c.ssn FROM c JOIN c d ON c.ssn = d.email ORDER BY d.id; 1 3",
        "SELECT id, x FROM (SELECT id, ssn AS x FROM c) s WHERE x > 'Zqxj-2'; 3",
        "WITH w AS (SELECT id, ssn FROM c) SELECT id, ssn FROM w WHERE ssn = 'Zqxj-3'; 3",
        "SELECT (SELECT count(*)::int FROM c WHERE ssn = 'Zqxj-3'); 1",
        "SELECT id, pin FROM c WHERE mixed IS NULL; 42501",
      })
  void choosesRowsInEveryFormatAndProtocol(String sql, String expected) throws IOException {
    try (WireClient client = gateway.wire()) {
      List<Message> all = new ArrayList<>();
      client.send(query(sql));
      List<Message> answer = client.readToReady();
      assertThat(first(answer, false)).as(sql).isEqualTo(expected);
      all.addAll(answer);
      for (int format : new int[] {0, 1}) {
        client.send(parse("", sql), bindTo("", format), describe('P', ""), execute("", 0), sync());
        answer = client.readToReady();
        assertThat(first(answer, format == 1)).as(sql).isEqualTo(expected);
        all.addAll(answer);
      }
      assertNothingOfAValue(all);
    }
  }

  @Test
  void comparesWithParameters() throws IOException {
    try (WireClient client = gateway.wire()) {
      List<Message> all = new ArrayList<>();
      client.send(
          parse("s", "SELECT id, ssn FROM c WHERE ssn = $1 OR pin = $2 ORDER BY id"), sync());
      client.readToReady();
      for (int format : new int[] {0, 1}) {
        client.send(bindTo("s", format, "Zqxj-3", "7731"), execute("", 0), sync());
        List<Message> answer = client.readToReady();
        assertThat(first(answer, format == 1)).isEqualTo("1 3");
        all.addAll(answer);
      }
      assertNothingOfAValue(all);
    }
  }

  @Test
  void whatIsComparedWithIsNotRecorded() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.exchange(query("SELECT id AS compared FROM c WHERE ssn = 'Zqxj-3'"));
      client.send(parse("", "SELECT id AS bound FROM c WHERE ssn = $1"));
      client.send(bindTo("", 0, "Zqxj-1"), execute("", 0), sync());
      assertThat(first(client.readToReady(), false)).isEqualTo("1");
    }
    gateway.endProvingMasks();
    StringBuilder recorded = new StringBuilder();
    try (Stream<Path> files = Files.walk(gateway.recordings())) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        recorded.append(Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    assertThat(recorded.toString())
        .contains("as compared from c where ssn = '...'", "AS bound")
        .doesNotContain("Zqxj");
  }

  /** docs/policy-reference.md says so. */
  @Test
  void fourDigitsAreGuessedInFourteenQueries() throws IOException {
    try (WireClient client = gateway.wire()) {
      int low = 0;
      int high = 9_999;
      int queries = 0;
      while (low < high) {
        int middle = (low + high) >>> 1;
        client.send(query("SELECT id FROM c WHERE id = 1 AND pin <= " + middle));
        List<Message> answer = client.readToReady();
        assertThat(first(answer, false)).isIn("1", "");
        if (first(answer, false).equals("1")) {
          high = middle;
        } else {
          low = middle + 1;
        }
        queries++;
      }
      assertThat(low).isEqualTo(7731);
      assertThat(queries).isLessThanOrEqualTo(14);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT id FROM c WHERE ssn::int = 1",
        "SELECT id FROM c WHERE lower(ssn) = 'x'",
        "SELECT id FROM c WHERE ssn LIKE 'Z%'",
        "SELECT id FROM c WHERE 1 / (pin - 7731) = 1",
        "SELECT id FROM c WHERE CASE WHEN pin = 7731 THEN 1 / 0 = 1 ELSE true END",
        "SELECT id FROM c WHERE (pin = 7731)::int::text = 'x'",
        "SELECT id FROM c WHERE name BETWEEN 'a' AND ssn = 'true'",
        "SELECT ssn = 'Zqxj-1' FROM c",
        "SELECT max(ssn) FROM c",
        "SELECT DISTINCT ssn FROM c",
        "SELECT id, ssn FROM c ORDER BY 2",
        "SELECT c.id FROM c JOIN c d USING (ssn)",
        "SELECT id FROM v WHERE ssn = 'Zqxj-1'",
        "SELECT id FROM c WHERE mixed = 'Zqxj-1'",
        "SELECT id FROM c WHERE salary = 1 FOR UPDATE",
        "UPDATE c SET name = 'x' WHERE ssn = 'Zqxj-1'",
        "DELETE FROM c WHERE ssn = 'Zqxj-1'",
        "EXPLAIN ANALYZE SELECT id FROM c WHERE ssn = 'Zqxj-1'",
        "COPY (SELECT id FROM c WHERE ssn = 'Zqxj-1') TO STDOUT",
        "CREATE TABLE t2 AS SELECT id FROM c ORDER BY ssn",
        "CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
      })
  void refusesTheRestAndKeepsTheConnection(String sql) throws IOException {
    try (WireClient client = gateway.wire()) {
      client.send(query(sql));
      assertThat(first(client.readToReady(), false)).as(sql).isEqualTo("42501");
      client.send(run(sql), sync());
      assertThat(first(client.readToReady(), false)).as(sql).isEqualTo("42501");
      client.send(query("SELECT id, name FROM c WHERE id = 1"));
      assertThat(first(client.readToReady(), false)).isEqualTo("1");
    }
    assertThat(server.query("SELECT count(*)::text FROM c WHERE name IN ('one', 'two', 'three')"))
        .containsExactly("3");
  }

  @Test
  void refusesWhereUsersHaveAnOperatorOfThatName() throws IOException {
    server.execute(
        "CREATE FUNCTION leaks(text, int) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$",
        "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = int, FUNCTION = leaks)");
    gateway.close();
    gateway = GatewayUnderTest.start(server);
    gateway.policy(POLICY);
    try (WireClient client = gateway.wire()) {
      client.send(query("SELECT id FROM c WHERE ssn = 7"));
      assertThat(first(client.readToReady(), false)).isEqualTo("42501");
      client.send(query("SELECT id FROM c WHERE ssn = 'Zqxj-1'"));
      assertThat(first(client.readToReady(), false)).isEqualTo("42501");
    }
  }
}
