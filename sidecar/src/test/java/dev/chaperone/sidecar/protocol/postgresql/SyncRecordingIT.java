package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.approval.ApprovalDecisions;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.SessionReader;
import dev.chaperone.sidecar.journal.SessionJournal;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Operations that wait until their record is on the disk, under rules that read the clock. */
class SyncRecordingIT {
  private static final String WRITE = "INSERT INTO log VALUES (1, 'approved')";
  private static final String NOW = "now > timestamp('2020-01-01T00:00:00Z')";

  private TestPostgres server;
  private GatewayUnderTest gateway;
  private Path recording;

  @BeforeEach
  void start() {
    server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    gateway = GatewayUnderTest.start(server);
    recording = gateway.recording();
    gateway.recordingSettings("{durability: Sync}");
    writes("RequireApproval, approval: {approvers: {groups: [dba]}}");
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  private void writes(String action) {
    gateway.policy(
        """
          rules:
          - {name: reads, effects: [Read, SessionState, Execute], when: "%s", action: Allow}
          - {name: writes, effects: [Write], when: "%s", action: %s}
        """
            .formatted(NOW, NOW, action));
  }

  private WireClient client() throws Exception {
    WireClient client = gateway.wire();
    client.readTimeout(20_000);
    return client;
  }

  private static List<byte[]> messages(boolean extended, String sql) {
    return extended ? List.of(run(sql), sync()) : List.of(query(sql));
  }

  private <T> List<T> events(Class<T> kind) throws Exception {
    List<T> events = new ArrayList<>();
    try (SessionReader reader = new SessionReader(recording)) {
      for (var event = reader.next(); event.isPresent(); event = reader.next()) {
        if (kind.isInstance(event.get().event())) {
          events.add(kind.cast(event.get().event()));
        }
      }
    }
    return events;
  }

  private List<Event.OperationRequested> requested(String text) throws Exception {
    return events(Event.OperationRequested.class).stream()
        .filter(one -> one.statement().value().text().text().orElseThrow().equals(text))
        .toList();
  }

  private String onlyRequest() throws Exception {
    await().atMost(Duration.ofSeconds(20)).until(() -> !gateway.requests().names().isEmpty());
    assertThat(gateway.requests().names()).hasSize(1);
    return gateway.requests().names().iterator().next();
  }

  private void approve(String name) throws Exception {
    ApprovalDecisions.add(
        gateway.requests(), name, new ApprovalDecision("alice", ApprovalVerdict.APPROVE, "yes"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anOperationThatTheClockDecidesIsRecordedOnce(boolean extended) throws Exception {
    writes("Allow");
    try (WireClient client = client()) {
      for (int i = 0; i < 3; i++) {
        // From the second on the text is known and only the clock is read anew.
        client.send(messages(extended, WRITE));
        assertThat(WireClient.texts(client.readToReady())).endsWith("C INSERT 0 1", "Z I");
        assertThat(requested(WRITE)).hasSize(i + 1);
      }
      assertThat(client.exchange(query("SELECT 1"))).endsWith("C SELECT 1", "Z I");
    }
    assertThat(gateway.connection().activity().allowed()).isEqualTo(4);
    assertThat(server.query("SELECT count(*) FROM log")).containsExactly("3");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anApprovedOperationIsRecordedOnceAndAsksOnce(boolean extended) throws Exception {
    try (WireClient client = client()) {
      client.send(messages(extended, WRITE));
      String request = onlyRequest();
      approve(request);
      assertThat(WireClient.texts(client.readToReady())).endsWith("C INSERT 0 1", "Z I");
      assertThat(client.exchange(query("SELECT 1"))).endsWith("C SELECT 1", "Z I");
      assertThat(requested(WRITE))
          .extracting(Event.OperationRequested::approval)
          .containsExactly(request);
    }
    assertThat(gateway.requests().names()).hasSize(1);
    assertThat(events(Event.ApprovalOpened.class)).hasSize(1);
    assertThat(events(Event.ApprovalUsed.class)).hasSize(1);
    assertThat(gateway.connection().activity().approved()).isEqualTo(1);
    assertThat(server.query("SELECT count(*) FROM log")).containsExactly("1");
  }

  @Test
  void aBoundStatementIsRecordedOnceForEachBind() throws Exception {
    String sql = "SELECT $1::text";
    try (WireClient client = client()) {
      client.exchange(parse("s", sql), sync());
      for (int i = 0; i < 5; i++) {
        assertThat(client.exchange(bind("", "s", "v" + i), execute("", 0), sync()))
            .endsWith("C SELECT 1", "Z I");
      }
    }
    assertThat(requested(sql))
        .extracting(one -> one.parameters().get(0).bytes().text().orElseThrow())
        .containsExactly("v0", "v1", "v2", "v3", "v4");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatDependsOnTheSessionIsRecordedOnce(boolean extended) throws Exception {
    try (WireClient client = client()) {
      client.exchange(query("PREPARE p AS SELECT 1"));
      for (int i = 0; i < 3; i++) {
        client.send(messages(extended, "EXECUTE p"));
        assertThat(WireClient.texts(client.readToReady())).endsWith("C SELECT 1", "Z I");
        assertThat(requested("EXECUTE p")).hasSize(i + 1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void withScopeSessionEachOperationIsRecordedOnce(boolean extended) throws Exception {
    writes("RequireApproval, approval: {approvers: {groups: [dba]}, grant: {scope: Session}}");
    try (WireClient client = client()) {
      client.send(messages(extended, WRITE));
      String request = onlyRequest();
      approve(request);
      client.readToReady();
      for (int i = 2; i < 5; i++) {
        client.send(messages(extended, WRITE));
        assertThat(WireClient.texts(client.readToReady())).endsWith("C INSERT 0 1", "Z I");
        assertThat(requested(WRITE)).hasSize(i);
      }
      assertThat(requested(WRITE))
          .extracting(Event.OperationRequested::approval)
          .containsOnly(request);
    }
    assertThat(gateway.connection().activity().approved()).isEqualTo(4);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatWaitsForRoomIsRecordedOnceAndAsksOnce(boolean extended) throws Exception {
    gateway.recordingSettings("{durability: Grouped}");
    AtomicBoolean enough = new AtomicBoolean();
    AtomicLong full = new AtomicLong();
    CompletableFuture<Void> others = CompletableFuture.runAsync(() -> fill(enough, full));
    try (WireClient client = client()) {
      await().atMost(Duration.ofSeconds(20)).until(() -> full.get() > 0);
      for (int i = 0; i < 10; i++) {
        Set<String> before = Set.copyOf(gateway.requests().names());
        client.send(messages(extended, WRITE));
        await()
            .atMost(Duration.ofSeconds(20))
            .until(() -> gateway.requests().names().size() > before.size());
        Set<String> opened = new TreeSet<>(gateway.requests().names());
        opened.removeAll(before);
        approve(opened.iterator().next());
        assertThat(WireClient.texts(client.readToReady())).endsWith("C INSERT 0 1", "Z I");
      }
    } finally {
      enough.set(true);
      others.get(20, TimeUnit.SECONDS);
    }
    gateway.end();
    assertThat(full.get()).isPositive();
    assertThat(gateway.requests().names()).hasSize(10);
    assertThat(requested(WRITE)).hasSize(10);
    assertThat(events(Event.ApprovalUsed.class)).hasSize(10);
    assertThat(server.query("SELECT count(*) FROM log")).containsExactly("10");
  }

  /** Others of the session record as fast as the journal takes it. */
  private void fill(AtomicBoolean enough, AtomicLong full) {
    SessionJournal journal = gateway.connection().recorder().journal();
    String name = "x".repeat(1_000);
    while (!enough.get()) {
      if (journal.append(new Event.ClientConnected(0, name)) == 0) {
        full.incrementAndGet();
        LockSupport.parkNanos(20_000);
      }
    }
  }

  /** Rulings change all the time; what waits for the disk is then judged anew, and says so. */
  @Test
  void aRulingThatChangesMeanwhileIsTheOneThatCounts() throws Exception {
    writes("Allow");
    try (WireClient client = client()) {
      int forwarded = 0;
      for (int i = 0; i < 60; i++) {
        client.send(query(WRITE));
        writes(i % 2 == 0 ? "Deny" : "Allow");
        List<String> answer = WireClient.texts(client.readToReady());
        assertThat(answer).last().isEqualTo("Z I");
        forwarded += answer.contains("C INSERT 0 1") ? 1 : 0;
      }
      assertThat(server.query("SELECT count(*) FROM log")).containsExactly("" + forwarded);
    }
    gateway.end();
    // Each one that was let pass has an end: it was answered, or it says that it was not forwarded.
    List<Event.OperationRequested> all = requested(WRITE);
    long allowed = all.stream().filter(o -> o.verdict() == Event.Verdict.ALLOWED).count();
    assertThat(events(Event.OperationCompleted.class)).hasSize((int) allowed);
  }
}
