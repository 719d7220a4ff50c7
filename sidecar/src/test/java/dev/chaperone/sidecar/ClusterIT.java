package dev.chaperone.sidecar;

import static dev.chaperone.sidecar.testing.WireClient.query;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.ApprovalRequested;
import dev.chaperone.control.channel.ChannelMessage.ConditionsReport;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.Decisions;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.ChannelMessage.RequestReport;
import dev.chaperone.control.channel.ChannelMessage.RequestShown;
import dev.chaperone.control.channel.ChannelMessage.Revoke;
import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.sidecar.control.OperatorAddress;
import dev.chaperone.sidecar.control.OperatorTimes;
import dev.chaperone.sidecar.testing.AgentDocuments;
import dev.chaperone.sidecar.testing.FakeOperator;
import dev.chaperone.sidecar.testing.TestAuthority;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole sidecar between a real client, a real target and an operator over real TLS. */
@Timeout(180)
class ClusterIT {
  private static final TestAuthority AUTHORITY = new TestAuthority();
  private static final TestAuthority.Server IDENTITY = AUTHORITY.server("127.0.0.1");
  private static final String WRITE = "INSERT INTO log VALUES (1, 'approved')";
  private static final OperatorTimes TIMES =
      new OperatorTimes(
          Duration.ofSeconds(10),
          Duration.ofMillis(500),
          Duration.ofSeconds(60),
          Duration.ofMillis(50),
          Duration.ofMillis(300));

  @TempDir Path directory;

  private final int listenPort = TestPostgres.freePort();
  private TestPostgres server;
  private FakeOperator operator;
  private FakeOperator.Connection talk;
  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    Files.writeString(directory.resolve("ca.crt"), AUTHORITY.pem());
    Files.writeString(directory.resolve("token"), "token-1");
    Path secret = Files.createDirectories(directory.resolve("secrets/orders-db/orders-db"));
    Files.writeString(secret.resolve("username"), TestPostgres.USER);
    Files.writeString(secret.resolve("password"), TestPostgres.PASSWORD);
    operator = new FakeOperator(IDENTITY);
    cluster =
        Cluster.start(
            new Cluster.Options(
                new OperatorAddress(
                    "127.0.0.1",
                    operator.port(),
                    directory.resolve("ca.crt"),
                    directory.resolve("token"),
                    "uid-0"),
                TIMES,
                directory.resolve("secrets"),
                Files.createDirectories(directory.resolve("journal")),
                Optional.of(directory.resolve("probes")),
                Optional.empty()));
    talk = operator.welcome();
  }

  @AfterEach
  void stop() throws IOException {
    cluster.close();
    talk.close();
    operator.close();
  }

  @Test
  void servesNothingUntilItIsToldAndThenWhatItIsTold() throws Exception {
    assertThat(next(Health.class).ready()).isFalse();
    configure(1, 300, false);
    assertThat(next(Health.class)).isEqualTo(new Health(true, ""));
    SessionStarted started = next(SessionStarted.class);
    assertThat(started.connection()).isEqualTo("orders-db");
    assertThat(started.identity().serviceAccount()).isEqualTo("support-agent");
    try (WireClient client = client()) {
      assertThat(client.exchange(query("SELECT 1"))).endsWith("C SELECT 1", "Z I");
      assertThat(client.exchange(query("SELECT * FROM denied"))).contains("E ERROR 42501");
      SessionProgress progress = next(SessionProgress.class);
      while (progress.operations().denied() == 0) {
        progress = next(SessionProgress.class);
      }
      assertThat(progress.session()).isEqualTo(started.session());
      assertThat(progress.operations().allowed()).isEqualTo(1);
      assertThat(progress.recording().head()).startsWith("sha256:");
      configure(2, 300, true);
      client.readToEnd();
    }
    assertThat(cannotConnect()).isTrue();
  }

  @Test
  void aTargetThatAnswersIsReported() throws Exception {
    configure(1, 300, false);
    try (WireClient client = client()) {
      assertThat(client.exchange(query("SELECT 1"))).endsWith("C SELECT 1", "Z I");
      ConditionsReport report = next(ConditionsReport.class);
      while (report.conditions().stream()
          .noneMatch(c -> c.type().equals("TargetReachable") && "LoggedIn".equals(c.reason()))) {
        report = next(ConditionsReport.class);
      }
      assertThat(report.connection()).isEqualTo("orders-db");
    }
  }

  @Test
  void aConnectionWhoseSecretVanishesSaysSoAndIsServedAgainWithIt() throws Exception {
    configure(1, 300, false);
    SessionStarted started = next(SessionStarted.class);
    Path password = directory.resolve("secrets/orders-db/orders-db/password");
    Files.delete(password);
    assertThat(credentialsResolved(ConditionStatus.FALSE).message())
        .contains("Secret \"orders-db\" has no key \"password\"");
    await().untilAsserted(() -> assertThat(cannotConnect()).isTrue());
    Files.writeString(password, TestPostgres.PASSWORD);
    credentialsResolved(ConditionStatus.TRUE);
    await().untilAsserted(() -> assertThat(cannotConnect()).isFalse());
    // It was the same session all the time: none has ended, and none has begun.
    talk.send(new Configure(2, List.of(AgentDocuments.pod())));
    assertThat(next(SessionEnded.class)).isEqualTo(new SessionEnded(started.session(), false));
  }

  @Test
  void aConnectionWithoutItsSecretIsReportedBeforeItIsEverServed() throws Exception {
    Files.delete(directory.resolve("secrets/orders-db/orders-db/password"));
    configure(1, 300, false);
    credentialsResolved(ConditionStatus.FALSE);
  }

  private Condition credentialsResolved(ConditionStatus status) throws Exception {
    while (true) {
      for (Condition one : next(ConditionsReport.class).conditions()) {
        if (one.type().equals("CredentialsResolved") && one.status() == status) {
          return one;
        }
      }
    }
  }

  @Test
  void whatTheProbesReadFollowsTheSidecar() throws Exception {
    Path probes = directory.resolve("probes");
    await().until(() -> holds(probes.resolve("alive")));
    assertThat(holds(probes.resolve("ready"))).isFalse();
    configure(1, 300, false);
    await().until(() -> holds(probes.resolve("ready")) && holds(probes.resolve("started")));
  }

  private static boolean holds(Path probe) throws IOException {
    String line = Files.readString(probe);
    return !line.isEmpty() && !line.startsWith("000000000000 ");
  }

  @Test
  void aRevokedSessionIsOver() throws Exception {
    configure(1, 300, false);
    SessionStarted started = next(SessionStarted.class);
    try (WireClient client = client()) {
      talk.send(new Revoke("another-session"));
      assertThat(client.exchange(query("SELECT 1"))).endsWith("C SELECT 1", "Z I");
      talk.send(new Revoke(started.session()));
      client.readToEnd();
    }
    assertThat(next(SessionEnded.class))
        .as("said while the connection is still there, to refuse who comes")
        .isEqualTo(new SessionEnded(started.session(), true));
    assertThat(cannotConnect()).isTrue();
  }

  @Test
  void anOperationWaitsForADecisionThatTheOperatorBrings() throws Exception {
    configure(1, 300, false);
    try (WireClient client = client()) {
      client.send(query(WRITE));
      ApprovalRequested requested = next(ApprovalRequested.class);
      assertThat(requested.request().requester().podUid()).isEqualTo("uid-0");
      assertThat(requested.request().operation().text()).contains("insert into log");
      talk.send(new RequestShown(requested.name()));
      approve(requested.name());
      assertThat(WireClient.texts(client.readToReady())).endsWith("C INSERT 0 1", "Z I");
      RequestReport report = next(RequestReport.class);
      assertThat(report.phase()).isEqualTo(ApprovalPhase.USED);
      assertThat(report.decisions().get(0).by()).isEqualTo("alice");
    }
  }

  @Test
  void withoutTheOperatorTheLeaseHoldsThenAllIsDeniedAndAllResumesWhenItIsBack() throws Exception {
    configure(1, 10, false);
    try (WireClient waiting = client();
        WireClient client = client()) {
      waiting.send(query(WRITE));
      ApprovalRequested requested = next(ApprovalRequested.class);
      talk.send(new RequestShown(requested.name()));
      final int port = operator.port();
      talk.close();
      long away = System.nanoTime();
      // It has noticed when it knocks again; this time nobody answers.
      operator.accept().close();
      operator.close();
      assertThat(client.exchange(query("SELECT 1"))).endsWith("C SELECT 1", "Z I");
      List<String> refusedRequest = client.exchange(query(WRITE));
      assertThat(refusedRequest).contains("E ERROR 58030").endsWith("Z I");
      List<String> denied = new ArrayList<>();
      await()
          .atMost(Duration.ofSeconds(30))
          .until(
              () -> {
                denied.clear();
                denied.addAll(client.exchange(query("SELECT 1")));
                return denied.contains("E ERROR 58030");
              });
      assertThat(Duration.ofNanos(System.nanoTime() - away)).isGreaterThan(Duration.ofSeconds(8));
      assertThat(denied).endsWith("Z I");
      operator = new FakeOperator(IDENTITY, port);
      talk = operator.welcome();
      await()
          .atMost(Duration.ofSeconds(5))
          .until(() -> client.exchange(query("SELECT 1")).contains("C SELECT 1"));
      RequestReport report = next(RequestReport.class);
      assertThat(report.request()).isEqualTo(requested.name());
      assertThat(report.phase()).isEqualTo(ApprovalPhase.PENDING);
      approve(requested.name());
      assertThat(WireClient.texts(waiting.readToReady())).endsWith("C INSERT 0 1", "Z I");
    }
    assertThat(server.query("SELECT who FROM log")).containsExactly("approved");
  }

  private WireClient client() throws IOException {
    WireClient client = WireClient.connect(listenPort);
    client.logIn("whoever", TestPostgres.DATABASE);
    return client;
  }

  private boolean cannotConnect() throws IOException {
    try (WireClient client = WireClient.connect(listenPort)) {
      client.send(WireClient.startup("user", "x", "database", TestPostgres.DATABASE));
      return client.read().type() == 'E';
    }
  }

  private void approve(String request) throws IOException {
    talk.send(
        new Decisions(
            request, List.of(new ApprovalDecision("alice", ApprovalVerdict.APPROVE, "fine"))));
  }

  /** The next message of a type; those of other types are passed over. */
  private <T extends ChannelMessage> T next(Class<T> type) throws Exception {
    while (true) {
      ChannelMessage message = talk.receive();
      if (type.isInstance(message)) {
        return type.cast(message);
      }
    }
  }

  private void configure(long revision, int leaseSeconds, boolean suspended) throws Exception {
    talk.send(
        new Configure(
            revision, AgentDocuments.all(server.port(), listenPort, leaseSeconds, suspended)));
    assertThat(next(ConfigurationApplied.class)).isEqualTo(new ConfigurationApplied(revision));
  }
}
