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
import dev.chaperone.recording.MaskFunction;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.SessionReader;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Expressions over columns that are masked with {@code usage: Taint}: nothing of a value is in
 * them.
 */
@ParameterizedClass
@EnumSource(TestPostgres.Kind.class)
class DerivedColumnsIT {
  private static final String POLICY =
      """
        rules:
        - name: all-that-is-known
          effects: [Read, Write, Schema, SessionState]
          action: Allow
        masking:
        - {columns: [public.c.ssn, public.c.email, public.c.code], with: Partial, usage: Taint}
        - {columns: [public.c.salary], with: Hash, usage: Taint}
        - {columns: [public.c.mixed], with: Redact, usage: Taint}
        - {columns: ["public.c.mix*"], with: Partial}
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
            + " salary int, mixed text)",
        "INSERT INTO c VALUES (1, 'one', ' Zqxj-7731', 'Zqxj-7731', 'Zqxj-7731', 7731773,"
            + " 'Zqxj-7731'), (2, 'two', NULL, NULL, NULL, NULL, NULL), (3, 'three', '', '', '',"
            + " 0, '')",
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

  /** Bind of no parameters, with all columns in one format. */
  private static byte[] bindAs(String portal, String statement, int format) {
    return WireClient.message(
        'B',
        WireClient.cString(portal),
        WireClient.cString(statement),
        WireClient.int16(0),
        WireClient.int16(0),
        WireClient.int16(1),
        WireClient.int16(format));
  }

  /** The second column of each row; an error as its code. */
  private static List<String> second(List<Message> messages) {
    List<String> values = new ArrayList<>();
    for (Message message : messages) {
      if (message.type() == 'D') {
        ByteBuffer body = ByteBuffer.wrap(message.body());
        body.getShort();
        int first = body.getInt();
        body.position(body.position() + Math.max(first, 0));
        int length = body.getInt();
        byte[] value = new byte[Math.max(length, 0)];
        body.get(value);
        values.add(length < 0 ? "NULL" : new String(value, StandardCharsets.UTF_8));
      } else if (message.type() == 'E') {
        values.add(message.field('C'));
      }
    }
    return values;
  }

  private static void assertNothingOfAValue(List<Message> messages) {
    for (Message message : messages) {
      assertThat(new String(message.body(), StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT))
          .doesNotContain("zqx", "qxj", "773");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "lower(ssn)",
        "pg_catalog.upper(email)",
        "btrim(ssn)",
        "ltrim(ssn)",
        "pg_catalog.rtrim(code)",
        "trim(email)",
        "trim(ssn)",
        "left(ssn, 3)",
        "right(code, 14)",
        "substr(email, 2)",
        "substr(ssn, 2, 3)",
        "substr(ssn, 999999999, 999999999)",
        "length(ssn)",
        "pg_catalog.length(email)",
        "pg_catalog.length(code)",
        "char_length(ssn)",
        "pg_catalog.octet_length(email)",
        "concat('<', ssn, '>')",
        "concat_ws('-', email, 'x')",
        "coalesce(ssn, 'none')",
        "coalesce(email, 'none')",
        "pg_catalog.count(ssn)",
        "pg_catalog.count(salary)",
        "pg_catalog.count(c.code)",
        "ssn || 'x'",
        "'a' || lower(ssn) || 'x'",
        "upper(left(email, 1))",
        "pg_catalog.lower(ssn)",
      })
  void anExpressionIsReplacedWholeInEveryFormatAndProtocol(String expression) throws IOException {
    String sql = "SELECT id, " + expression + " FROM c GROUP BY id ORDER BY id";
    boolean isNumber = expression.matches(".*(length|count).*");
    String shown = isNumber ? "NULL" : "[redacted]";
    try (WireClient client = gateway.wire()) {
      List<Message> all = new ArrayList<>();
      client.send(query(sql));
      List<Message> answer = client.readToReady();
      assertThat(second(answer)).as(sql).containsExactly(shown, shown, shown);
      all.addAll(answer);
      for (int format : new int[] {0, 1}) {
        client.send(
            parse("s" + format, sql),
            describe('S', "s" + format),
            sync(),
            bindAs("", "s" + format, format),
            execute("", 0),
            sync());
        all.addAll(client.readToReady());
        answer = client.readToReady();
        assertThat(second(answer)).as(sql).containsExactly(shown, shown, shown);
        all.addAll(answer);
        // In pieces, described as a portal, and not at all.
        client.send(parse("", sql), bindAs("p", "", format), describe('P', "p"), execute("p", 1));
        client.send(execute("p", 1), execute("p", 0), sync());
        answer = client.readToReady();
        assertThat(second(answer)).as(sql).containsExactly(shown, shown, shown);
        all.addAll(answer);
        client.send(parse("", sql), bindAs("", "", format), execute("", 0), sync());
        answer = client.readToReady();
        assertThat(second(answer)).as(sql).containsExactly(shown, shown, shown);
        all.addAll(answer);
      }
      assertNothingOfAValue(all);
    }
  }

  /** Whatever the column's own mask: here Partial and Hash. */
  @Test
  void whatReplacedAnExpressionIsRecordedAsWhatReplacedIt() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.exchange(
          query(
              "SELECT ssn, lower(ssn), length(ssn), pg_catalog.count(salary) FROM c GROUP BY id"));
    }
    gateway.endProvingMasks();
    List<MaskFunction> functions = new ArrayList<>();
    for (Path session : SessionFiles.sessions(gateway.recordings())) {
      try (SessionReader reader = new SessionReader(session)) {
        for (var event = reader.next(); event.isPresent(); event = reader.next()) {
          if (event.get().event() instanceof Event.OperationCompleted completed) {
            completed.results().stream()
                .flatMap(result -> result.columns().value().columns().stream())
                .forEach(column -> functions.add(column.origin().orElseThrow().function()));
          }
        }
      }
    }
    assertThat(functions)
        .containsExactly(
            MaskFunction.PARTIAL, MaskFunction.REDACT, MaskFunction.NULL, MaskFunction.NULL);
  }

  @Test
  void columnsBesideAnExpressionAreAsTheyWere() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.send(
          query(
              "SELECT lower(ssn), name, upper(name), count(*) FROM c WHERE id = 1"
                  + " GROUP BY id"));
      List<Message> answer = client.readToReady();
      assertThat(second(answer)).containsExactly("one");
      assertNothingOfAValue(answer);
      client.send(query("SELECT lower(ssn), email FROM c WHERE id = 1"));
      assertThat(second(client.readToReady())).containsExactly("****7731");
      // The same description, of what is not masked, before and after.
      client.send(query("SELECT id, upper(name) FROM c WHERE id = 1"));
      assertThat(second(client.readToReady())).containsExactly("ONE");
      client.send(query("SELECT id, upper(ssn) FROM c WHERE id = 1"));
      assertThat(second(client.readToReady())).containsExactly("[redacted]");
      client.send(query("SELECT id, upper(name) FROM c WHERE id = 1"));
      assertThat(second(client.readToReady())).containsExactly("ONE");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT id, md5(ssn) FROM c",
        "SELECT id, count(ssn) FROM c GROUP BY id",
        "SELECT id, lower(email) FROM c",
        "CREATE OPERATOR || (LEFTARG = text, RIGHTARG = text, FUNCTION = to_number)",
        "CREATE AGGREGATE lower(varchar) (SFUNC = textcat, STYPE = text)",
        "SELECT id, min(ssn) FROM c GROUP BY id",
        "SELECT 1, string_agg(ssn, ',') FROM c",
        "SELECT id, ssn::int FROM c",
        "SELECT id, lower(salary::text) FROM c",
        "SELECT id, 1 / length(ssn) FROM c",
        "SELECT id, coalesce(ssn, name) FROM c",
        "SELECT id, ssn || name FROM c",
        "SELECT id, email || 'x' FROM c",
        "SELECT id, left(ssn, id) FROM c",
        "SELECT id, substr(ssn, 1, -1) FROM c",
        "SELECT id, lower(mixed) FROM c",
        "SELECT id, lower(ssn) FROM v",
        "SELECT id, lower(ssn) FROM c ORDER BY 2",
        "SELECT id, lower(ssn) FROM c, generate_series(1, 2) g ORDER BY lower",
        "SELECT id, lower(ssn) AS x FROM c ORDER BY x",
        "SELECT DISTINCT id, lower(ssn) FROM c",
        "SELECT id, lower(ssn) FROM c UNION SELECT 1, 'x'",
        "SELECT *, lower(ssn) FROM c",
        "SELECT id, x FROM (SELECT id, lower(ssn) AS x FROM c) s",
        "EXPLAIN SELECT lower(ssn) FROM c",
        "COPY (SELECT lower(ssn) FROM c) TO STDOUT",
        "CREATE TABLE t2 AS SELECT lower(ssn) FROM c",
        "UPDATE c SET name = 'x' RETURNING id, lower(ssn)",
      })
  void refusesTheRestAndKeepsTheConnection(String sql) throws IOException {
    try (WireClient client = gateway.wire()) {
      List<Message> all = new ArrayList<>();
      client.send(query(sql));
      List<Message> answer = client.readToReady();
      assertThat(second(answer)).as(sql).containsExactly("42501");
      all.addAll(answer);
      client.send(run(sql), sync());
      answer = client.readToReady();
      assertThat(second(answer)).as(sql).containsExactly("42501");
      all.addAll(answer);
      assertNothingOfAValue(all);
      client.send(query("SELECT id, name FROM c WHERE id = 1"));
      assertThat(second(client.readToReady())).containsExactly("one");
    }
  }

  @Test
  void refusesAnExpressionBehindAName() throws IOException {
    String sql = "SELECT id, lower(ssn) FROM c";
    try (WireClient client = gateway.wire()) {
      client.send(parse("s", sql), sync());
      client.readToReady();
      client.send(query("EXECUTE s"));
      assertThat(second(client.readToReady())).containsExactly("42501");
      client.exchange(query("BEGIN"));
      client.send(parse("", sql), bind("p", ""), sync());
      client.readToReady();
      client.send(query("FETCH ALL FROM p"));
      assertThat(second(client.readToReady())).containsExactly("42501");
      client.exchange(query("ROLLBACK"));
      client.send(query("SET search_path = public, pg_catalog; " + sql));
      assertThat(second(client.readToReady())).containsExactly("42501");
    }
  }

  @Test
  void refusesFunctionsThatUsersHaveOverloaded() throws IOException {
    server.execute(
        "CREATE TABLE leaked (value text)",
        "CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS"
            + " $$ INSERT INTO leaked VALUES ($1) RETURNING value $$");
    gateway.close();
    gateway = GatewayUnderTest.start(server);
    gateway.policy(POLICY);
    try (WireClient client = gateway.wire()) {
      client.exchange(query("SET search_path = public, pg_catalog"));
      client.send(query("SELECT id, lower(ssn) FROM c"));
      List<Message> answer = client.readToReady();
      assertThat(second(answer)).containsExactly("42501");
      assertNothingOfAValue(answer);
      client.send(query("SELECT id, pg_catalog.upper(email) FROM c WHERE id = 1"));
      assertThat(second(client.readToReady())).containsExactly("[redacted]");
    }
    assertThat(server.query("SELECT value FROM leaked")).isEmpty();
  }
}
