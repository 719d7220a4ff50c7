package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.approval.ApprovalDecisions;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.JsonLines;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordedEvent;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.SessionReader;
import dev.chaperone.recording.Timeline;
import dev.chaperone.recording.Value;
import dev.chaperone.recording.Verifier;
import dev.chaperone.sidecar.journal.Availability;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.SmallDisk;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the recording says of what clients did. */
class RecordingIT {
  private TestPostgres server;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    gateway = GatewayUnderTest.start(server);
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  private List<RecordedEvent> events() throws Exception {
    List<RecordedEvent> events = new ArrayList<>();
    try (SessionReader reader = new SessionReader(gateway.recording())) {
      for (var event = reader.next(); event.isPresent(); event = reader.next()) {
        events.add(event.get());
      }
    }
    return events;
  }

  private <T> List<T> events(Class<T> kind) throws Exception {
    return events().stream()
        .map(RecordedEvent::event)
        .filter(kind::isInstance)
        .map(kind::cast)
        .toList();
  }

  private List<Event.OperationRequested> requested() throws Exception {
    return events(Event.OperationRequested.class);
  }

  private List<Event.OperationCompleted> completed() throws Exception {
    return events(Event.OperationCompleted.class);
  }

  private static String text(Event.OperationRequested requested) {
    return requested.statement().value().text().text().orElseThrow();
  }

  private static String text(Value value) {
    return value.bytes().text().orElseThrow();
  }

  private Event.OperationRequested of(String text) throws Exception {
    List<Event.OperationRequested> found =
        requested().stream().filter(one -> text(one).equals(text)).toList();
    assertThat(found).as(text).hasSize(1);
    return found.get(0);
  }

  /** The answer to the only operation with that text. */
  private Event.OperationCompleted answerTo(String text) throws Exception {
    long number =
        events().stream()
            .filter(
                recorded ->
                    recorded.event() instanceof Event.OperationRequested one
                        && text(one).equals(text))
            .findFirst()
            .orElseThrow()
            .number();
    return completed().stream()
        .filter(one -> one.operation() == number)
        .reduce((first, second) -> second)
        .orElseThrow();
  }

  @Test
  void aSimpleQueryIsRecordedWithItsAnswer() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.exchange(WireClient.query("SELECT 1 AS one, 'x' AS two; SELECT NULL::int"));
    }
    Event.OperationRequested asked = of("SELECT 1 AS one, 'x' AS two; SELECT NULL::int");
    assertThat(asked.verdict()).isEqualTo(Event.Verdict.ALLOWED);
    assertThat(asked.facts().value().action()).isEqualTo("Allow");
    Event.OperationCompleted answer = answerTo("SELECT 1 AS one, 'x' AS two; SELECT NULL::int");
    assertThat(answer.results()).hasSize(2);
    Event.Result first = answer.results().get(0);
    assertThat(first.tag()).isEqualTo("SELECT 1");
    assertThat(first.rows()).isOne();
    assertThat(first.columns().value().columns())
        .extracting(column -> column.name() + " " + column.type())
        .containsExactly("one 23", "two 25");
    assertThat(first.recorded().values().get(0))
        .extracting(RecordingIT::text)
        .containsExactly("1", "x");
    assertThat(answer.results().get(1).recorded().values().get(0).get(0).kind())
        .isEqualTo(Value.Kind.NULL);
    assertThat(answer.micros()).isPositive();
    assertThat(answer.failure()).isEmpty();
  }

  @Test
  void whoAndWhatForIsTheFirstEvent() throws Exception {
    Event.SessionOpened opened = (Event.SessionOpened) events().get(0).event();
    assertThat(opened.identity().namespace()).isEqualTo("support");
    assertThat(opened.identity().serviceAccount()).isEqualTo("support-agent");
    assertThat(opened.connection()).isEqualTo("orders-db");
    assertThat(opened.target().port()).isEqualTo(server.port());
    assertThat(opened.target().database()).isEqualTo("orders");
    assertThat(
            Files.readString(
                gateway.recording().resolve("000001.seg"), StandardCharsets.ISO_8859_1))
        .doesNotContain(TestPostgres.PASSWORD);
  }

  @Test
  void clientsComeAndGo() throws Exception {
    try (WireClient client = WireClient.connect(gateway.port())) {
      client.send(
          WireClient.startup(
              "user", "x", "database", "orders", "application_name", "invoice-agent"));
      client.readToReady();
    }
    await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(() -> assertThat(events(Event.ClientDisconnected.class)).hasSize(1));
    assertThat(events(Event.ClientConnected.class))
        .extracting(Event.ClientConnected::application)
        .containsExactly("invoice-agent");
  }

  @Test
  void whatIsRefusedIsRecordedWithTheReason() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.exchange(WireClient.query("SELECT * FROM denied"));
      client.exchange(WireClient.parse("", "SELECT 1 FROM denied"), WireClient.sync());
      client.exchange(WireClient.query("SELECT 'unfinished"));
    }
    Event.OperationRequested refused = of("SELECT * FROM denied");
    assertThat(refused.verdict()).isEqualTo(Event.Verdict.DENIED);
    assertThat(refused.decision()).hasSize(10);
    assertThat(refused.refusal().orElseThrow().sqlState()).isEqualTo("42501");
    assertThat(refused.facts().value().rule().orElseThrow().name()).isEqualTo("never");
    assertThat(refused.facts().value().accesses())
        .extracting(access -> access + " " + access.action())
        .contains("Read SELECT public.denied Deny");
    assertThat(of("SELECT 1 FROM denied").verdict()).isEqualTo(Event.Verdict.DENIED);
    assertThat(of("SELECT 'unfinished").verdict()).isEqualTo(Event.Verdict.DENIED);
    assertThat(completed()).isEmpty();
  }

  @Test
  void boundValuesAndBinaryRowsAreRecorded() throws Exception {
    try (Connection client = gateway.connect("prepareThreshold", "1", "binaryTransfer", "true");
        PreparedStatement statement =
            client.prepareStatement("SELECT ?::int8 AS n, ?::text AS t, ?::text AS nothing")) {
      for (int i = 0; i < 8; i++) {
        statement.setLong(1, i);
        statement.setString(2, "value " + i);
        statement.setString(3, null);
        try (ResultSet rows = statement.executeQuery()) {
          rows.next();
          assertThat(rows.getLong(1)).isEqualTo(i);
        }
      }
    }
    List<Event.OperationRequested> asked =
        requested().stream().filter(one -> text(one).contains("AS nothing")).toList();
    assertThat(asked).hasSize(8);
    for (int i = 0; i < 8; i++) {
      List<Value> values = asked.get(i).parameters();
      assertThat(values).hasSize(3);
      assertThat(text(values.get(1))).isEqualTo("value " + i);
      assertThat(values.get(2).kind()).isEqualTo(Value.Kind.NULL);
      // The text is defined once and referred to.
      assertThat(asked.get(i).statement()).isSameAs(asked.get(0).statement());
    }
    Event.Result last = completed().get(completed().size() - 1).results().get(0);
    assertThat(last.columns().value().columns())
        .extracting(column -> column.name())
        .containsExactly("n", "t", "nothing");
    Value number = last.recorded().values().get(0).get(0);
    assertThat(number.binary() ? number.bytes().hex() : text(number))
        .isEqualTo(number.binary() ? "0000000000000007" : "7");
  }

  @Test
  void errorsOfTheTargetAreRecorded() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.exchange(WireClient.query("SELECT 1/0"));
      client.exchange(
          WireClient.parse("", "SELECT $1::int"),
          WireClient.bind("", "", "no number"),
          WireClient.execute("", 0),
          WireClient.sync());
      client.exchange(
          WireClient.parse("", "SELECT 1/$1::int"),
          WireClient.bind("", "", "0"),
          WireClient.execute("", 0),
          WireClient.sync());
    }
    assertThat(answerTo("SELECT 1/0").failure().orElseThrow())
        .isEqualTo(new Event.Failure("22012", "division by zero"));
    assertThat(answerTo("SELECT $1::int").failure().orElseThrow().sqlState()).isEqualTo("22P02");
    assertThat(answerTo("SELECT 1/$1::int").failure().orElseThrow().sqlState()).isEqualTo("22012");
  }

  @Test
  void aPortalThatIsReadInPartsIsAnsweredInParts() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.exchange(
          WireClient.parse("", "SELECT generate_series(1, 5)"),
          WireClient.bind("", ""),
          WireClient.describe('P', ""),
          WireClient.execute("", 2),
          WireClient.execute("", 2),
          WireClient.execute("", 2),
          WireClient.sync());
    }
    List<Event.OperationCompleted> parts = completed();
    assertThat(parts)
        .extracting(Event.OperationCompleted::suspended)
        .containsExactly(true, true, false);
    assertThat(parts).extracting(part -> part.results().get(0).rows()).containsExactly(2L, 2L, 1L);
    assertThat(parts.get(0).results().get(0).columns().value().columns().get(0).name())
        .isEqualTo("generate_series");
    assertThat(requested()).hasSize(1);
  }

  @Test
  void noMoreRowsAreKeptThanTheConnectionSays() throws Exception {
    gateway.recordingSettings("{maxRowsPerOperation: 3}");
    try (WireClient client = gateway.wire()) {
      client.exchange(WireClient.query("SELECT generate_series(1, 10)"));
      client.exchange(WireClient.query("SELECT repeat('x', 5000)"));
      client.exchange(WireClient.query("COPY (SELECT generate_series(1, 10)) TO STDOUT"));
    }
    Event.Result many = answerTo("SELECT generate_series(1, 10)").results().get(0);
    assertThat(many.rows()).isEqualTo(10);
    assertThat(many.recorded().count()).isEqualTo(3);
    Value cut =
        answerTo("SELECT repeat('x', 5000)").results().get(0).recorded().values().get(0).get(0);
    assertThat(cut.kind()).isEqualTo(Value.Kind.CUT);
    assertThat(cut.length()).isEqualTo(5_000);
    Event.Result copied =
        answerTo("COPY (SELECT generate_series(1, 10)) TO STDOUT").results().get(0);
    assertThat(copied.tag()).isEqualTo("COPY 10");
    assertThat(copied.rows()).isEqualTo(10);
    assertThat(copied.recorded().count()).isEqualTo(3);
    assertThat(text(copied.recorded().values().get(0).get(0))).isEqualTo("1\n");
  }

  @Test
  void responsesAreLeftOutWhereTheConnectionSaysSo() throws Exception {
    gateway.recordingSettings("{responses: Summary}");
    try (WireClient client = gateway.wire()) {
      client.exchange(WireClient.query("SELECT 'summary' AS a"));
      gateway.recordingSettings("{responses: None}");
      client.exchange(WireClient.query("SELECT 'none' AS a"));
    }
    Event.Result summary = answerTo("SELECT 'summary' AS a").results().get(0);
    assertThat(summary.columns().value().columns().get(0).name()).isEqualTo("a");
    assertThat(summary.rows()).isOne();
    assertThat(summary.recorded().count()).isZero();
    Event.OperationCompleted none = answerTo("SELECT 'none' AS a");
    assertThat(none.results()).isEmpty();
    assertThat(events(Event.ConfigurationChanged.class)).hasSize(2);
  }

  @Test
  void passwordsAreNotRecorded() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.exchange(WireClient.query("CREATE ROLE nobody_special PASSWORD 'hunter2hunter2'"));
      client.exchange(WireClient.query("ALTER ROLE nobody_special PASSWORD E'hunter2\\x68unter2"));
      client.exchange(
          WireClient.query("ALTER ROLE nobody_special WITH SOMETHING PASSWORD 'hunter2'"));
      client.exchange(WireClient.query("SELECT dblink_connect('host=h')"));
      client.exchange(WireClient.query("SELECT dblink_connect('host=h password=hunter2')"));
      client.exchange(WireClient.query("DROP ROLE IF EXISTS nobody_special"));
      client.exchange(
          WireClient.parse("p", "CREATE ROLE other_special PASSWORD 'hunter2hunter2'"),
          WireClient.bind("", "p"),
          WireClient.execute("", 0),
          WireClient.sync());
    }
    for (Path file : List.of(gateway.recording().resolve("000001.seg"))) {
      assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).doesNotContain("hunter2");
    }
    assertThat(requested().get(0).statement().value().masked()).isTrue();
    assertThat(text(requested().get(0))).contains("nobody_special").contains("'...'");
  }

  @Test
  void eachStatementOfAJdbcBatchIsRecorded() throws Exception {
    try (Connection client = gateway.connect();
        PreparedStatement insert = client.prepareStatement("INSERT INTO log VALUES (?, ?)")) {
      for (int i = 0; i < 50; i++) {
        insert.setInt(1, i);
        insert.setString(2, "row " + i);
        insert.addBatch();
      }
      insert.executeBatch();
    }
    assertThat(requested().stream().filter(one -> text(one).startsWith("INSERT"))).hasSize(50);
    assertThat(completed().stream().filter(one -> one.results().get(0).tag().equals("INSERT 0 1")))
        .hasSize(50);
  }

  @Test
  void whatIsRecordedVerifiesAndIsSealedAtTheEnd() throws Exception {
    try (Connection client = gateway.connect();
        Statement statement = client.createStatement()) {
      for (int i = 0; i < 300; i++) {
        statement.execute("SELECT " + i);
      }
    }
    Path recording = gateway.recording();
    PublicKeyFile key = PublicKeyFile.read(recording.resolve(PublicKeyFile.NAME));
    assertThat(Verifier.verify(recording, key, Optional.empty()).exitCode()).isEqualTo(4);
    Timeline timeline = new Timeline(80);
    JsonLines json = new JsonLines();
    for (RecordedEvent event : events()) {
      assertThat(timeline.line(event)).isNotEmpty();
      assertThat(json.line(event)).startsWith("{").endsWith("}");
    }
    gateway.end();
    assertThat(Verifier.verify(recording, key, Optional.empty()).exitCode()).isZero();
  }

  @Test
  void syncWaitsForTheDisk() throws Exception {
    gateway.recordingSettings("{durability: Sync}");
    double before = gateway.registry().get("chaperone.recording.force").timer().count();
    try (Connection client = gateway.connect();
        Statement statement = client.createStatement()) {
      for (int i = 0; i < 20; i++) {
        statement.execute("SELECT " + i);
      }
    }
    assertThat(gateway.registry().get("chaperone.recording.force").timer().count())
        .isGreaterThan((long) before + 19);
  }

  @Test
  void aRevokedSessionIsClosedAndStaysClosed() throws Exception {
    try (WireClient busy = gateway.wire();
        WireClient idle = gateway.wire()) {
      busy.send(WireClient.query("SELECT pg_sleep(30)"));
      await()
          .atMost(Duration.ofSeconds(5))
          .until(() -> requested().stream().anyMatch(one -> text(one).contains("pg_sleep")));
      long begin = System.nanoTime();
      Path file =
          gateway
              .status()
              .resolve("agentsession-" + gateway.connection().session().name() + ".yaml");
      Files.writeString(file, Files.readString(file).replace("revoked: false", "revoked: true"));
      for (WireClient client : List.of(busy, idle)) {
        List<WireClient.Message> end = client.readToEnd();
        WireClient.Message last = end.get(end.size() - 1);
        assertThat(last.field('C')).isEqualTo("57P01");
        assertThat(last.field('M')).contains("revoked");
      }
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(1));
    }
    await()
        .atMost(Duration.ofSeconds(2))
        .until(
            () ->
                server
                    .query(
                        "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()")
                    .isEmpty());
    try (WireClient late = WireClient.connect(gateway.port())) {
      late.send(WireClient.startup("user", "x", "database", "orders"));
      assertThat(WireClient.texts(late.readToEnd())).containsExactly("E FATAL 57P01");
    }
    Path recording = gateway.recording();
    await()
        .atMost(Duration.ofSeconds(3))
        .untilAsserted(
            () ->
                assertThat(
                        Verifier.verify(
                                recording,
                                PublicKeyFile.read(recording.resolve(PublicKeyFile.NAME)),
                                Optional.empty())
                            .exitCode())
                    .isZero());
    assertThat(events(Event.SessionRevoked.class)).hasSize(1);
    assertThat(events(Event.ClientDisconnected.class)).hasSize(2);
  }

  @Test
  void whileNothingCanBeRecordedNothingIsForwarded(@TempDir Path temporary) throws Exception {
    gateway.close();
    try (SmallDisk disk = SmallDisk.mount(temporary.resolve("disk"), 4 << 10)) {
      gateway = GatewayUnderTest.start(server, disk.directory().resolve("recordings"));
      try (Connection client = gateway.connect();
          Statement statement = client.createStatement()) {
        statement.execute("SELECT 1");
        disk.fill();
        untilFull(statement);
        assertThat(sqlState(statement, "INSERT INTO log VALUES (7, 'unrecorded')"))
            .isEqualTo("53100");
        assertThat(server.query("SELECT count(*) FROM log WHERE n = 7")).containsExactly("0");
        assertThat(gateway.registry().get("chaperone.recording.unavailable").gauge().value())
            .isOne();
        disk.makeRoom();
        await()
            .atMost(Duration.ofSeconds(5))
            .until(() -> sqlState(statement, "INSERT INTO log VALUES (8, 'again')").isEmpty());
      }
      gateway.end();
      Path recording = onlyOne(gateway.recordings());
      PublicKeyFile key = PublicKeyFile.read(recording.resolve(PublicKeyFile.NAME));
      assertThat(Verifier.verify(recording, key, Optional.empty()).exitCode()).isZero();
    }
  }

  @Test
  void whereTheConnectionSaysContinueOperationsGoOnAndAreCounted(@TempDir Path temporary)
      throws Exception {
    gateway.close();
    try (SmallDisk disk = SmallDisk.mount(temporary.resolve("disk"), 4 << 10)) {
      gateway = GatewayUnderTest.start(server, disk.directory().resolve("recordings"));
      try (Connection client = gateway.connect();
          Statement statement = client.createStatement()) {
        statement.execute("SELECT 1");
        disk.fill();
        untilFull(statement);
        gateway.recordingSettings("{onUnavailable: Continue}");
        for (int i = 0; i < 20; i++) {
          statement.execute("INSERT INTO log VALUES (9, 'unrecorded')");
        }
        assertThat(gateway.counted("chaperone.recording.unrecorded.operations")).isEqualTo(20);
        disk.makeRoom();
        await()
            .atMost(Duration.ofSeconds(5))
            .until(() -> gateway.connection().recorder().availability() == Availability.AVAILABLE);
        statement.execute("SELECT 2");
        assertThat(events(Event.RecordingGap.class))
            .extracting(Event.RecordingGap::operations)
            .containsExactly(20L);
      }
    }
  }

  @Test
  void aDiskThatDoesNotAnswerMakesNoClientWait(@TempDir Path temporary) throws Exception {
    gateway.close();
    try (SmallDisk disk = SmallDisk.mountFreezable(temporary.resolve("disk"), 48)) {
      gateway = GatewayUnderTest.start(server, disk.directory().resolve("recordings"));
      try (Connection client = gateway.connect();
          Statement statement = client.createStatement()) {
        for (int i = 0; i < 200; i++) {
          statement.execute("SELECT " + i);
        }
        Thread.sleep(300);
        disk.freeze();
        long begin = System.nanoTime();
        long longest = 0;
        String state = "";
        try {
          while (System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(5)) {
            long asked = System.nanoTime();
            state = sqlState(statement, "INSERT INTO log VALUES (1, 'frozen')");
            longest = Math.max(longest, System.nanoTime() - asked);
          }
        } finally {
          disk.thaw();
        }
        assertThat(state).isEqualTo("58030");
        // One operation may find no room and wait for the deadline of two seconds.
        assertThat(Duration.ofNanos(longest)).isLessThan(Duration.ofSeconds(4));
        await()
            .atMost(Duration.ofSeconds(5))
            .until(() -> sqlState(statement, "INSERT INTO log VALUES (2, 'again')").isEmpty());
        long executed = Long.parseLong(server.query("SELECT count(*) FROM log").get(0));
        assertThat(
                requested().stream()
                    .filter(one -> one.verdict() == Event.Verdict.ALLOWED)
                    .filter(one -> text(one).startsWith("INSERT")))
            .hasSize((int) executed);
      }
      gateway.end();
      Path recording = onlyOne(gateway.recordings());
      PublicKeyFile key = PublicKeyFile.read(recording.resolve(PublicKeyFile.NAME));
      assertThat(Verifier.verify(recording, key, Optional.empty()).exitCode()).isZero();
    }
  }

  @Test
  void anApprovalWhoseUseCannotBeRecordedForwardsNothingAndSaysSo(@TempDir Path temporary)
      throws Exception {
    gateway.close();
    try (SmallDisk disk = SmallDisk.mountFreezable(temporary.resolve("disk"), 48)) {
      gateway = GatewayUnderTest.start(server, disk.directory().resolve("recordings"));
      gateway.policy(
          """
            rules:
            - name: writes
              effects: [Write]
              action: RequireApproval
              approval: {approvers: {groups: [dba]}}
          """);
      try (WireClient client = gateway.wire()) {
        client.send(WireClient.query("INSERT INTO log VALUES (1, 'approved')"));
        client.readTo('N');
        String request = gateway.requests().names().get(0);
        disk.freeze();
        try {
          ApprovalDecisions.add(
              gateway.requests(),
              request,
              new ApprovalDecision("alice", ApprovalVerdict.APPROVE, null));
          List<WireClient.Message> answer = client.readToReady();
          WireClient.Message error = answer.get(answer.size() - 2);
          assertThat(error.field('C')).isEqualTo("58030");
          assertThat(error.field('M')).contains("the use of the approval could not be recorded");
        } finally {
          disk.thaw();
        }
      }
      assertThat(server.query("SELECT count(*) FROM log")).containsExactly("0");
    }
  }

  private static Path onlyOne(Path recordings) throws Exception {
    return SessionFiles.sessions(recordings).get(0);
  }

  private static void untilFull(Statement statement) {
    String comment = "/* " + "x".repeat(20_000) + " */";
    for (int i = 0; i < 1_000; i++) {
      String state = sqlState(statement, "SELECT " + i + comment);
      if (!state.isEmpty()) {
        assertThat(state).isEqualTo("53100");
        return;
      }
    }
    throw new AssertionError("the disk did not get full");
  }

  private static String sqlState(Statement statement, String sql) {
    try {
      statement.execute(sql);
      return "";
    } catch (SQLException e) {
      return e.getSQLState();
    }
  }
}
