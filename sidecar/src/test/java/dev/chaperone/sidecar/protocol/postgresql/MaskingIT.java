package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.copyData;
import static dev.chaperone.sidecar.testing.WireClient.copyDone;
import static dev.chaperone.sidecar.testing.WireClient.describe;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/** What clients see of masked columns, and how they notice nothing else of it. */
@ParameterizedClass
@EnumSource(TestPostgres.Kind.class)
class MaskingIT {
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
            - {columns: [public.c.ssn, public.c.email], with: Partial}
            - {columns: [public.c.salary, public.c.hashed, public.c.hashed_id], with: Hash}
            - {columns: [public.c.card, public.c.birth, public.c.amount, public.c.big, public.c.seen], with: FormatPreserving}
            - {columns: [public.c.nulled], with: "Null"}
            - {columns: [public.c.notes, public.c.secret, public.c.tags, public.c.flag], with: Redact}
          """
              .indent(0);

  private static final String DETECTORS =
      RULES
          + """
            masking:
            - {detectors: [CreditCard, Email], with: Redact}
          """
              .indent(0);

  private static final String ALL =
      "SELECT id, name, ssn, email, salary, hashed, hashed_id, card, birth, amount, big, seen,"
          + " nulled, notes, secret, tags, flag FROM c ORDER BY id";

  @Parameter TestPostgres.Kind kind;

  private TestPostgres server;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    server = TestPostgres.shared(kind);
    server.reset();
    server.execute(
        "CREATE TABLE c (id int PRIMARY KEY, name text NOT NULL, ssn text UNIQUE DEFERRABLE"
            + " INITIALLY DEFERRED, email varchar(80), salary int, hashed text, hashed_id uuid,"
            + " card text, birth date, amount numeric(12,2), big bigint, seen timestamptz,"
            + " nulled text, notes jsonb, secret text, tags text[], flag bool)",
        "INSERT INTO c SELECT g, 'name ' || g, '123-45-678' || g, 'alice' || g || '@example.com',"
            + " 100000 + g, 'same', '550e8400-e29b-41d4-a716-446655440000', '4111 1111 1111 1111',"
            + " '1980-01-02', 1234.50, 9000000000 + g, '2020-05-06 07:08:09.123+00', 'x',"
            + " '{\"a\": 1}', 'top secret', '{red,green}', true FROM generate_series(1, 3) g",
        "INSERT INTO c (id, name) VALUES (4, 'empty')",
        "CREATE TABLE free (id int, words text, doc jsonb, list text[])",
        "INSERT INTO free VALUES (1, 'card 4111111111111111, thanks',"
            + " '{\"mail\": \"bob@example.org\", \"n\": 4111111111111111}', '{a@b.example,\"x, y\"}')",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + TestPostgres.USER);
    gateway = GatewayUnderTest.start(server);
    gateway.policy(POLICY);
  }

  /** So that tables are known that were not there when it began. */
  private void restart() {
    gateway.close();
    gateway = GatewayUnderTest.start(server);
  }

  @AfterEach
  void stop() {
    try {
      gateway.endProvingMasks();
    } finally {
      gateway.close();
    }
  }

  /** The rows of a result, as the driver reads them by type. */
  private static List<List<Object>> rows(ResultSet result) throws SQLException {
    List<List<Object>> rows = new ArrayList<>();
    int columns = result.getMetaData().getColumnCount();
    while (result.next()) {
      List<Object> row = new ArrayList<>();
      for (int i = 1; i <= columns; i++) {
        Object value = result.getObject(i);
        row.add(value == null ? "NULL" : value instanceof java.sql.Array a ? a.toString() : value);
      }
      rows.add(row);
    }
    return rows;
  }

  private static void assertMasked(List<List<Object>> rows) {
    assertThat(rows).hasSize(4);
    List<Object> first = rows.get(0);
    assertThat(first.subList(0, 4)).containsExactly(1, "name 1", "****6781", "a***@example.com");
    assertThat((Integer) first.get(4)).isNotEqualTo(100001).isNotNegative();
    assertThat(first.get(5)).asString().matches("[0-9a-f]{24}").isEqualTo(rows.get(1).get(5));
    assertThat(first.get(6)).isEqualTo(rows.get(1).get(6));
    assertThat(first.get(6).toString()).isNotEqualTo("550e8400-e29b-41d4-a716-446655440000");
    assertThat(first.get(7)).asString().matches("\\d{4} \\d{4} \\d{4} \\d{4}");
    assertThat(first.get(7)).isNotEqualTo("4111 1111 1111 1111");
    assertThat(first.get(8)).isInstanceOf(java.sql.Date.class);
    assertThat(first.get(8).toString()).isNotEqualTo("1980-01-02");
    assertThat(first.get(9).toString()).matches("\\d{4}\\.\\d\\d").isNotEqualTo("1234.50");
    assertThat(first.get(10).toString()).matches("\\d{10}").isNotEqualTo("9000000001");
    assertThat(first.get(11)).isInstanceOf(java.sql.Timestamp.class);
    assertThat(first.get(11).toString()).doesNotContain("2020-05-06 07:08:09");
    assertThat(first.get(12)).isEqualTo("NULL");
    assertThat(first.get(13)).hasToString("\"[redacted]\"");
    assertThat(first.get(14)).isEqualTo("[redacted]");
    assertThat(first.get(15)).isEqualTo("NULL");
    assertThat(first.get(16)).isEqualTo("NULL");
    List<Object> empty = rows.get(3);
    assertThat(empty.subList(2, 13)).containsOnly("NULL");
    assertThat(empty.get(13)).hasToString("\"[redacted]\"");
    assertThat(empty.get(14)).isEqualTo("[redacted]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"simple", "extended", "extendedForPrepared", "extendedCacheEverything"})
  void everyQueryModeSeesTheSameMaskedValues(String mode) throws SQLException {
    try (Connection connection =
            gateway.connect(
                "preferQueryMode", mode, "prepareThreshold", "2", "binaryTransfer", "true");
        PreparedStatement statement = connection.prepareStatement(ALL)) {
      List<List<Object>> first = null;
      // From the third time on the driver asks for binary format.
      for (int i = 0; i < 6; i++) {
        try (ResultSet result = statement.executeQuery()) {
          List<List<Object>> rows = rows(result);
          assertMasked(rows);
          first = first == null ? rows : first;
          assertThat(rows).isEqualTo(first);
        }
      }
    }
    assertThat(gateway.counted("chaperone.masked.values")).isGreaterThan(6 * 40);
  }

  @ParameterizedTest
  @ValueSource(strings = {"simple", "extended", "extendedForPrepared"})
  void asManyColumnsAsATableCanHaveAreMaskedEachInItsPlace(String mode) throws SQLException {
    int most = 1_600;
    StringBuilder columns = new StringBuilder("CREATE TABLE wide (");
    for (int i = 1; i <= most; i++) {
      columns.append(i == 1 ? "" : ", ").append('c').append(i).append(" text DEFAULT 'x'");
    }
    server.execute(
        columns.append(')').toString(),
        "INSERT INTO wide DEFAULT VALUES",
        "GRANT SELECT ON wide TO agent");
    restart();
    gateway.policy(
        RULES
            + """
              masking:
              - {columns: [public.wide.c1, public.wide.c800, public.wide.c1600], with: Redact}
            """
                .indent(0));
    try (Connection connection = gateway.connect("preferQueryMode", mode);
        PreparedStatement select = connection.prepareStatement("SELECT * FROM wide")) {
      for (int round = 0; round < 6; round++) {
        try (ResultSet row = select.executeQuery()) {
          assertThat(row.getMetaData().getColumnCount()).isEqualTo(most);
          assertThat(row.next()).isTrue();
          for (int i = 1; i <= most; i++) {
            assertThat(row.getString(i))
                .as("c" + i)
                .isEqualTo(i == 1 || i == 800 || i == most ? "[redacted]" : "x");
          }
        }
      }
    }
  }

  @Test
  void rowsWithoutColumnsAreRows() throws IOException {
    server.execute("CREATE TABLE none ()", "GRANT SELECT ON none TO agent");
    server.execute("INSERT INTO none DEFAULT VALUES", "INSERT INTO none DEFAULT VALUES");
    restart();
    gateway.policy(POLICY);
    try (WireClient client = gateway.wire()) {
      for (String sql : List.of("SELECT FROM t WHERE id < 3", "SELECT * FROM none", "TABLE none")) {
        assertThat(client.exchange(query(sql)))
            .as(sql)
            .containsExactly("T 0000", "D 0000", "D 0000", "C SELECT 2", "Z I");
      }
    }
  }

  @Test
  void rowsFetchedInPiecesAreMasked() throws SQLException {
    try (Connection connection = gateway.connect()) {
      connection.setAutoCommit(false);
      try (PreparedStatement statement = connection.prepareStatement(ALL)) {
        statement.setFetchSize(1);
        for (int i = 0; i < 7; i++) {
          try (ResultSet result = statement.executeQuery()) {
            assertMasked(rows(result));
          }
        }
      }
    }
  }

  @Test
  void returnedAndGeneratedValuesAreMasked() throws SQLException {
    try (Connection connection = gateway.connect();
        PreparedStatement statement =
            connection.prepareStatement(
                "INSERT INTO c (id, name, ssn) VALUES (?, 'new', ?)",
                Statement.RETURN_GENERATED_KEYS)) {
      statement.setInt(1, 77);
      statement.setString(2, "999-88-7777");
      statement.executeUpdate();
      try (ResultSet keys = statement.getGeneratedKeys()) {
        assertThat(keys.next()).isTrue();
        assertThat(keys.getString("ssn")).isEqualTo("****7777");
      }
    }
    assertThat(server.query("SELECT ssn FROM c WHERE id = 77")).containsExactly("999-88-7777");
  }

  @Test
  void cursorsAreMaskedWhateverTheyAreReadBy() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.exchange(query("BEGIN"), query("DECLARE k CURSOR FOR SELECT ssn FROM c ORDER BY id"));
      client.readToReady();
      client.send(query("FETCH 1 FROM k"));
      assertThat(values(client.readToReady())).containsExactly("****6781");
      client.send(run("FETCH 1 FROM k"), sync());
      assertThat(values(client.readToReady())).containsExactly("****6782");
      client.send(execute("k", 1), sync());
      assertThat(values(client.readToReady())).containsExactly("****6783");
      client.send(describe('P', "k"), execute("k", 5), sync());
      List<Message> rest = client.readToReady();
      assertThat(WireClient.types(rest)).isEqualTo("TDCZ");
      assertThat(values(rest)).containsExactly("NULL");
    }
  }

  /** The first column of each row. */
  private static List<String> values(List<Message> messages) {
    List<String> values = new ArrayList<>();
    for (Message message : messages) {
      if (message.type() == 'D') {
        byte[] body = message.body();
        int length = java.nio.ByteBuffer.wrap(body).getInt(2);
        values.add(length < 0 ? "NULL" : new String(body, 6, length, StandardCharsets.UTF_8));
      } else if (message.type() == 'E') {
        values.add("ERROR " + message.field('M'));
      }
    }
    return values;
  }

  @Test
  void theClientSeesNoMessageThatItDidNotAskFor() throws IOException {
    byte[][][] conversations = {
      {parse("", "SELECT ssn FROM c"), bind("", ""), execute("", 0), sync()},
      {parse("s", "SELECT ssn FROM c"), describe('S', "s"), sync()},
      {bind("", "s"), execute("", 0), bind("", "s"), execute("", 2), execute("", 2), sync()},
      {bind("p", "s"), describe('P', "p"), execute("p", 1), execute("p", 0), sync()},
      {parse("", "UPDATE c SET ssn = ssn"), bind("", ""), execute("", 0), sync()},
      {parse("", "UPDATE c SET name = 'x'"), bind("", ""), execute("", 0), sync()},
      {parse("", "SELECT 1/0 FROM c"), bind("", ""), execute("", 0), execute("", 0), sync()},
      {execute("none", 0), sync()},
      {query("SELECT id FROM c; SELECT ssn FROM c; SELECT 1")},
      {query("SELECT ssn FROM c WHERE id < 0")},
      {query("")},
    };
    try (WireClient through = gateway.wire();
        WireClient past = WireClient.connect(server.port())) {
      past.logIn("postgres", TestPostgres.DATABASE);
      for (byte[][] conversation : conversations) {
        past.send(conversation);
        through.send(conversation);
        String expected = WireClient.types(past.readToReady());
        String seen = WireClient.types(through.readToReady());
        if (!new String(WireClient.join(conversation), StandardCharsets.UTF_8)
            .contains("ssn = ssn")) {
          assertThat(seen)
              .as(new String(WireClient.join(conversation), StandardCharsets.UTF_8))
              .isEqualTo(expected);
        } else {
          assertThat(seen).startsWith("E");
        }
      }
    }
  }

  @Test
  void otherTablesPassAsTheyAre() throws IOException {
    byte[][] conversation = {
      parse("", "SELECT * FROM free"), bind("", ""), describe('P', ""), execute("", 0), sync()
    };
    try (WireClient through = gateway.wire();
        WireClient past = WireClient.connect(server.port())) {
      past.logIn("postgres", TestPostgres.DATABASE);
      assertThat(through.exchange(conversation)).isEqualTo(past.exchange(conversation));
      assertThat(gateway.counted("chaperone.masked.values")).isZero();
    }
  }

  @Test
  void aRefusedUseNamesTheColumnAndWhatIsAllowed() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.send(query("SELECT lower(ssn) FROM c"));
      Message error = client.readToReady().get(0);
      assertThat(error.field('C')).isEqualTo("42501");
      assertThat(error.field('M')).contains("ssn").contains("masked");
      assertThat(error.field('D')).contains("Decision ");
      assertThat(error.field('H')).contains("by itself");
      // Parse is enough to be refused, and the connection goes on.
      assertThat(client.exchange(parse("", "SELECT id FROM c WHERE ssn = $1"), sync()))
          .containsExactly("E ERROR 42501", "Z I");
      client.send(query("SELECT ssn FROM c WHERE id = 1"));
      assertThat(values(client.readToReady())).containsExactly("****6781");
    }
  }

  @Test
  void anUnforeseenResultIsWithheld() throws IOException {
    // The rule answers an INSERT with rows that no statement of the client asked for.
    try (WireClient client = gateway.wire()) {
      client.exchange(query("SELECT 1"));
      server.execute("CREATE RULE spill AS ON INSERT TO log DO ALSO SELECT ssn FROM c");
      client.send(query("INSERT INTO log VALUES (1, 'x')"));
      List<Message> answer = client.readToReady();
      assertThat(values(answer)).hasSize(1).first().asString().contains("withheld");
      assertThat(answer.toString()).doesNotContain("123-45");
      client.send(query("SELECT 1"));
      assertThat(values(client.readToReady())).containsExactly("1");
      // Once the gateway knows of the rule it does not let the statement run.
      client.exchange(query("CREATE TABLE fresh (a int)"));
      for (String sql :
          List.of("INSERT INTO log VALUES (2, 'y')", "PREPARE i AS INSERT INTO log VALUES (2)")) {
        client.send(query(sql));
        assertThat(values(client.readToReady()))
            .first()
            .asString()
            .contains("a rule of public.log");
      }
    }
  }

  @Test
  void aRenamedColumnStaysMaskedBeforeTheGatewayKnowsOfIt() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.exchange(query("SELECT 1"));
      server.execute("ALTER TABLE c RENAME ssn TO other");
      client.send(query("SELECT * FROM c WHERE id = 1"));
      assertThat(contains(client.readToReady(), "123-45-6781")).isFalse();
      client.send(query("SELECT other FROM c"));
      assertThat(values(client.readToReady())).first().asString().startsWith("ERROR");
      client.send(query("SELECT lower(other) FROM c"));
      assertThat(values(client.readToReady())).first().asString().startsWith("ERROR");
      // DDL through the gateway makes it read the catalog again.
      client.exchange(query("CREATE TABLE fresh (a int)"));
      client.send(query("SELECT other FROM c WHERE id = 1"));
      assertThat(values(client.readToReady())).containsExactly("****6781");
    }
  }

  /** PL/pgSQL sets every field of an error to what it likes. */
  @Test
  void noFieldOfAnErrorThatAFunctionRaisesTakesAValueAlong() throws IOException {
    server.execute(
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
            + " $$ BEGIN RAISE EXCEPTION 'ssn %', OLD.ssn USING DETAIL = OLD.ssn, HINT = OLD.ssn,"
            + " ERRCODE = 'Z' || right(OLD.ssn, 4), SCHEMA = OLD.ssn, TABLE = OLD.ssn,"
            + " COLUMN = OLD.ssn, CONSTRAINT = OLD.ssn, DATATYPE = OLD.ssn; END $$",
        "CREATE TRIGGER shout BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION shout()");
    try (WireClient client = gateway.wire()) {
      List<Message> answer =
          client.send(query("UPDATE c SET name = 'x' WHERE id = 1")).readToReady();
      assertThat(answer.get(0).type()).isEqualTo('E');
      assertThat(answer.get(0).field('C')).isEqualTo("P0001");
      assertThat(contains(answer, "6781")).isFalse();
      assertThat(contains(answer, "123-45")).isFalse();
    }
  }

  private static boolean contains(List<Message> messages, String text) {
    return messages.stream()
        .anyMatch(m -> new String(m.body(), StandardCharsets.ISO_8859_1).contains(text));
  }

  @Test
  void errorsAndNoticesAboutMaskedTablesKeepOnlyTheirCondition() throws IOException {
    server.execute(
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS"
            + " $$ BEGIN RAISE NOTICE 'old %', OLD.ssn USING DETAIL = OLD.email; RETURN NEW; END $$",
        "CREATE TRIGGER tell BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION tell()");
    try (WireClient client = gateway.wire()) {
      client.send(query("UPDATE c SET name = NULL WHERE id = 1"));
      List<Message> answer = client.readToReady();
      assertThat(contains(answer, "6781")).isFalse();
      assertThat(contains(answer, "alice")).isFalse();
      Message error = answer.stream().filter(m -> m.type() == 'E').findFirst().orElseThrow();
      assertThat(error.field('C')).isEqualTo("23502");
      assertThat(error.field('M')).isEqualTo("not_null_violation");
      assertThat(error.field('D')).contains("withheld");
      assertThat(error.field('c')).isEqualTo("name");
      assertThat(answer.stream().anyMatch(m -> m.type() == 'N')).isTrue();
      // The deferred constraint fails at COMMIT, a statement that names no table.
      client.exchange(query("BEGIN"));
      client.exchange(query("INSERT INTO c (id, name, ssn) SELECT 50, 'x', '123-45-6781'"));
      client.send(query("COMMIT"));
      answer = client.readToReady();
      assertThat(answer.get(0).field('C')).isEqualTo("23505");
      assertThat(contains(answer, "123-45")).isFalse();
      // Other errors are the server's own.
      client.send(query("SELECT 1/0"));
      assertThat(client.readToReady().get(0).field('M')).isEqualTo("division by zero");
    }
  }

  @Test
  void copyShowsColumnsThatAreFreeAndNoOthers() throws Exception {
    try (Connection connection = gateway.connect()) {
      CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
      StringWriter out = new StringWriter();
      copy.copyOut("COPY c (id, name) TO STDOUT", out);
      assertThat(out.toString()).startsWith("1\tname 1\n");
      assertThatThrownBy(() -> copy.copyOut("COPY c TO STDOUT", new StringWriter()))
          .hasMessageContaining("masked");
      assertThat(copy.copyIn("COPY c (id, name, ssn) FROM STDIN", new StringReader("90\tn\t1\n")))
          .isEqualTo(1);
    }
  }

  @Test
  void detectorsReplaceWhatTheyFindInEveryFormat() throws Exception {
    gateway.policy(DETECTORS);
    for (int i = 0; i < 2; i++) {
      for (String mode : List.of("simple", "extendedCacheEverything")) {
        try (Connection connection =
                gateway.connect("preferQueryMode", mode, "prepareThreshold", "1");
            PreparedStatement statement =
                connection.prepareStatement("SELECT words, doc, list, free FROM free")) {
          for (int k = 0; k < 4; k++) {
            try (ResultSet result = statement.executeQuery()) {
              assertThat(result.next()).isTrue();
              assertThat(result.getString(1)).isEqualTo("card [redacted], thanks");
              assertThat(result.getString(2))
                  .isEqualTo("{\"n\": \"[redacted]\", \"mail\": \"[redacted]\"}");
              assertThat((String[]) result.getArray(3).getArray())
                  .containsExactly("[redacted]", "x, y");
              assertThat(result.getString(4)).doesNotContain("4111").doesNotContain("@");
            }
          }
        }
      }
    }
    try (WireClient client = gateway.wire()) {
      byte[] binary =
          WireClient.message(
              'B',
              WireClient.cString(""),
              WireClient.cString(""),
              WireClient.int16(0),
              WireClient.int16(0),
              WireClient.int16(1),
              WireClient.int16(1));
      client.send(
          parse("", "SELECT words, doc, list, free FROM free"), binary, execute("", 0), sync());
      List<Message> answer = client.readToReady();
      assertThat(WireClient.types(answer)).isEqualTo("12DCZ");
      assertThat(contains(answer, "4111")).isFalse();
      assertThat(contains(answer, "@")).isFalse();
      assertThat(contains(answer, "card [redacted], thanks")).isTrue();
    }
  }

  @Test
  void aValueInPiecesOnTheWireIsFound() throws Exception {
    gateway.policy(DETECTORS);
    try (Connection connection = gateway.connect();
        Statement statement = connection.createStatement()) {
      // A card number at every place around what a socket gives in one read.
      for (int padding : List.of(1000, 8170, 16370, 32750, 65520, 131050)) {
        try (ResultSet result =
            statement.executeQuery(
                "SELECT repeat(' ', "
                    + padding
                    + " + g) || '4111111111111111' || repeat(' ', 70000)"
                    + " FROM generate_series(1, 16) g")) {
          int rows = 0;
          while (result.next()) {
            assertThat(result.getString(1).strip()).isEqualTo("[redacted]");
            rows++;
          }
          assertThat(rows).isEqualTo(16);
        }
      }
    }
  }

  @Test
  void detectorsLookAtCopyMessagesSettingsNamesAndNotifications() throws Exception {
    gateway.policy(DETECTORS);
    server.execute(
        "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS"
            + " $$ BEGIN RAISE NOTICE 'mail %', NEW.words; RETURN NEW; END $$",
        "CREATE TRIGGER warn BEFORE INSERT ON free FOR EACH ROW EXECUTE FUNCTION warn()");
    try (WireClient client = gateway.wire()) {
      client.send(query("COPY (SELECT id, words FROM free) TO STDOUT"));
      List<Message> answer = client.readToReady();
      assertThat(contains(answer, "1\tcard [redacted], thanks\n")).isTrue();
      assertThat(contains(answer, "4111")).isFalse();
      client.send(query("COPY free TO STDOUT (FORMAT csv)"));
      assertThat(contains(client.readToReady(), "4111")).isFalse();
      client.send(query("COPY free TO STDOUT (FORMAT binary)"));
      answer = client.readToReady();
      assertThat(contains(answer, "4111")).isFalse();
      assertThat(values(answer)).first().asString().contains("binary");
      client.send(query("INSERT INTO free (words) VALUES ('a@b.example')"));
      answer = client.readToReady();
      assertThat(answer.get(0).field('M')).isEqualTo("mail [redacted]");
      client.send(query("SET application_name = '4111111111111111'"));
      assertThat(contains(client.readToReady(), "4111")).isFalse();
      client.send(query("SELECT 1 AS \"4111111111111111\", 2 AS b"));
      answer = client.readToReady();
      assertThat(contains(answer, "4111")).isFalse();
      assertThat(contains(answer, "[redacted]")).isTrue();
      assertThat(WireClient.types(answer)).isEqualTo("TDCZ");
      client.send(query("SELECT '4111111111111111'::date"));
      assertThat(client.readToReady().get(0).field('M')).contains("[redacted]");
      client.exchange(query("LISTEN z"));
      client.send(query("NOTIFY z, 'from a@b.example'"));
      answer = client.readToReady();
      assertThat(contains(answer, "from [redacted]")).isTrue();
      assertThat(contains(answer, "a@b")).isFalse();
    }
    gateway.policy(POLICY);
    try (WireClient client = gateway.wire()) {
      client.exchange(query("LISTEN z"));
      client.send(query("NOTIFY z, 'payload'"));
      List<Message> answer = client.readToReady();
      assertThat(WireClient.types(answer)).isEqualTo("CAZ");
      assertThat(contains(answer, "payload")).isFalse();
    }
  }

  @Test
  void aMaskThatNamesNothingDeniesItsTableUntilItDoes() throws IOException {
    gateway.policy(
        RULES
            + "masking:\n".indent(2)
            + "- {columns: [public.free.nosuch, a.gone.x], with: Redact}\n".indent(2));
    try (WireClient client = gateway.wire()) {
      client.send(query("SELECT id FROM free"));
      assertThat(values(client.readToReady())).first().asString().contains("public.free.nosuch");
      client.send(query("SELECT id FROM a.t"));
      assertThat(values(client.readToReady())).first().asString().contains("a.gone.x");
      client.send(query("SELECT id FROM t WHERE id = 1"));
      assertThat(values(client.readToReady())).containsExactly("1");
      server.execute("ALTER TABLE free ADD nosuch text DEFAULT 'now here'");
      client.exchange(query("CREATE TABLE fresh (a int)"));
      client.send(query("SELECT nosuch FROM free"));
      assertThat(values(client.readToReady())).containsExactly("[redacted]");
    }
  }

  @Test
  void masksHoldFromTheNextOperationOnWhateverWasPreparedBefore() throws IOException {
    gateway.policy(RULES);
    try (WireClient client = gateway.wire()) {
      client.send(
          parse("s", "SELECT ssn FROM c WHERE id = 1"),
          describe('S', "s"),
          bind("", "s"),
          execute("", 0),
          sync());
      assertThat(values(client.readToReady())).containsExactly("123-45-6781");
      gateway.policy(POLICY);
      client.send(bind("", "s"), execute("", 0), sync());
      assertThat(values(client.readToReady())).containsExactly("****6781");
      gateway.policy(POLICY.replace("Partial", "Redact"));
      client.send(bind("", "s"), execute("", 0), sync());
      assertThat(values(client.readToReady())).containsExactly("[redacted]");
    }
  }

  @Test
  void masksOfAnObservePolicyAreInForce() throws IOException {
    gateway.policy("  mode: Observe\n" + POLICY);
    try (WireClient client = gateway.wire()) {
      client.send(query("SELECT ssn FROM c WHERE id = 1"));
      assertThat(values(client.readToReady())).containsExactly("****6781");
      client.send(query("SELECT lower(ssn) FROM c WHERE id = 1"));
      assertThat(values(client.readToReady())).first().asString().startsWith("ERROR");
    }
  }

  @Test
  void aRowThatIsTooLongToBeLookedAtIsNotPassedOn() throws IOException {
    gateway.close();
    gateway = GatewayUnderTest.start(server.port(), "{statementBytes: 32Ki, messageBytes: 64Ki}");
    gateway.policy(POLICY);
    server.execute("UPDATE c SET ssn = repeat('s', 100000) WHERE id = 1");
    try (WireClient client = gateway.wire()) {
      client.send(query("SELECT ssn FROM c ORDER BY id"));
      List<Message> answer = client.readToReady();
      assertThat(values(answer)).last().asString().contains("longer than the gateway passes on");
      assertThat(contains(answer, "ssss")).isFalse();
    }
  }

  @Test
  void manyRowsArriveWholeAndInOrder() throws Exception {
    server.execute(
        "INSERT INTO c (id, name, ssn) SELECT g, 'n', g || '-000000' FROM generate_series(100, 30099) g");
    try (Connection connection = gateway.connect();
        Statement statement = connection.createStatement();
        ResultSet result =
            statement.executeQuery("SELECT id, ssn, hashed FROM c WHERE id >= 100 ORDER BY id")) {
      int expected = 100;
      while (result.next()) {
        assertThat(result.getInt(1)).isEqualTo(expected++);
        assertThat(result.getString(2)).isEqualTo("****0000");
        assertThat(result.getString(3)).isNull();
      }
      assertThat(expected).isEqualTo(30100);
    }
  }

  @Test
  void anApproverSeesNoValueForAMaskedColumn() throws Exception {
    gateway.policy(
        POLICY.replace(
            "effects: [Read, Write, Schema, SessionState]\n    action: Allow",
            "effects: [Read, Write, Schema, SessionState]\n    action: RequireApproval\n"
                + "    approval: {approvers: {groups: [dba]}, count: 1}"));
    for (byte[][] statement :
        List.of(
            new byte[][] {query("UPDATE c SET ssn = '987-65-4321', name = 'plain' WHERE id = 1")},
            new byte[][] {
              parse("", "UPDATE c SET ssn = $1, name = $2 WHERE id = 1"),
              bind("", "", "987-65-4321", "plain"),
              execute("", 0),
              sync()
            })) {
      try (WireClient client = gateway.wire()) {
        client.send(statement);
        client.readTo('N');
        String requests = requests();
        assertThat(requests).contains("ApprovalRequest").contains("public.c");
        assertThat(requests).doesNotContain("987-65");
      }
    }
    assertThat(requests()).contains("'***'").contains("masked: true").contains("plain");
  }

  @Test
  void whatIsMaskedIsNotRecorded() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.exchange(query(ALL));
      client.exchange(run(ALL), sync());
      for (String sql :
          List.of(
              "UPDATE c SET ssn = '987-65-4321', email = 'victim@example.net' WHERE id = 1",
              "INSERT INTO c (id, name, ssn, salary) VALUES (1, 'x', '987-65-4322', 777001)",
              "INSERT INTO c (id, name, ssn) VALUES (9, NULL, '987-65-4323')",
              "UPDATE c SET name = NULL WHERE id = 1",
              "SELECT ssn::int FROM c",
              "SELECT name FROM c WHERE ssn = '123-45-6781' OR email = 'alice1@example.com'",
              "PREPARE p AS INSERT INTO c (id, name, ssn) VALUES (10, 'p', '987-65-4324')",
              "EXECUTE p",
              "DECLARE d CURSOR WITH HOLD FOR SELECT ssn FROM c",
              "FETCH ALL FROM d")) {
        client.exchange(query(sql));
        client.exchange(run(sql), sync());
      }
      client.exchange(
          parse("", "UPDATE c SET ssn = $1, name = $2 WHERE id = 2"),
          bind("", "", "987-65-4325", "plain"),
          execute("", 0),
          sync());
      client.exchange(
          parse("", "SELECT name FROM c WHERE ssn = $1"),
          bind("", "", "123-45-6782"),
          execute("", 0),
          sync());
      client.send(query("COPY c (id, name, ssn) FROM STDIN"));
      client.readTo('G');
      client.exchange(copyData("20\tcopied\t987-65-4326\n"), copyDone());
    }
    gateway.end();
    String recorded = requests();
    assertThat(recorded).contains("name 1", "plain", "****6781");
    assertThat(recorded)
        .doesNotContain(
            "123-45-678",
            "987-65-432",
            "alice1@example.com",
            "victim@example.net",
            "777001",
            "top secret",
            "4111 1111",
            "1980-01-02",
            "red,green");
  }

  private String requests() throws IOException {
    StringBuilder all = new StringBuilder();
    try (Stream<Path> files = Files.walk(gateway.status())) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        // Recordings are there too, and they are not text.
        all.append(Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    return all.toString();
  }

  @Test
  void psqlShowsMaskedTables() throws Exception {
    Process psql =
        new ProcessBuilder(
                "psql",
                "-XAt",
                "-h",
                "127.0.0.1",
                "-p",
                "" + gateway.port(),
                "-U",
                "me",
                "-d",
                TestPostgres.DATABASE,
                "-c",
                "SELECT * FROM c WHERE id = 1",
                "-c",
                "\\x",
                "-c",
                "TABLE c",
                "-c",
                "\\copy c (id, name) to stdout",
                "-c",
                "\\copy c to stdout")
            .redirectErrorStream(true)
            .start();
    psql.getOutputStream().close();
    String output = new String(psql.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(psql.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(output)
        .startsWith("1|name 1|****6781|a***@example.com|")
        .contains("ssn|****6783")
        .contains("1\tname 1")
        .contains("may not be copied by COPY")
        .doesNotContain("123-45")
        .doesNotContain("alice1");
  }
}
