package dev.chaperone.operator.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.Effect;
import dev.chaperone.crds.v1alpha1.PolicyConnectionStatus;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.RequestAccess;
import dev.chaperone.crds.v1alpha1.RequestApprovers;
import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.crds.v1alpha1.RequestPolicy;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import dev.chaperone.crds.v1alpha1.SessionIdentity;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import dev.chaperone.sidecar.approval.RequestStore;
import dev.chaperone.sidecar.control.ChannelRequestStore;
import dev.chaperone.sidecar.control.OperatorAddress;
import dev.chaperone.sidecar.control.OperatorChannel;
import dev.chaperone.sidecar.control.OperatorConfiguration;
import dev.chaperone.sidecar.control.OperatorLease;
import dev.chaperone.sidecar.control.OperatorListener;
import dev.chaperone.sidecar.control.OperatorReports;
import dev.chaperone.sidecar.control.OperatorTimes;
import dev.chaperone.sidecar.gateway.GatewayThreads;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The sidecar's own end of the channel, the operator's own, and a real API server behind it. */
@UsesTestCluster
@Timeout(300)
class RealSidecarIT {
  private static final String JANE = "jane@example.com";
  private static final OperatorTimes TIMES =
      new OperatorTimes(
          Duration.ofSeconds(10),
          Duration.ofMillis(500),
          Duration.ofSeconds(10),
          Duration.ofMillis(50),
          Duration.ofMillis(500));
  private static World world;

  @TempDir Path directory;

  /** Keeps the conversation that is open, and what approvers did. */
  private static final class Sessions implements OperatorListener {
    private volatile Conversation conversation = message -> false;

    @Override
    public void opened(Conversation begun) {
      conversation = begun;
      begin();
    }

    boolean begin() {
      return conversation.say(
          new SessionStarted(
              "s-1",
              "orders",
              new SessionIdentity(World.AGENT, null, null),
              "2026-01-01T00:00:00Z"));
    }

    @Override
    public void said(dev.chaperone.control.channel.ChannelMessage.FromOperator message) {}
  }

  @BeforeAll
  static void populate(TestCluster cluster) throws Exception {
    Awaitility.setDefaultTimeout(World.PATIENCE);
    Awaitility.ignoreExceptionsByDefault();
    world = new World(cluster);
  }

  @AfterAll
  static void stop() {
    Awaitility.reset();
    world.close();
  }

  @Test
  void whatIsAppliedIsEnforcedAndWhatIsAskedIsDecided() throws Exception {
    String namespace = world.namespace();
    world.approvers(namespace);
    World.Replica replica = world.replica("replica-0");
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    world.connection(namespace, "orders", 15432);
    world.policy(namespace, "agents", "orders", "Allow");
    Files.writeString(directory.resolve("ca.crt"), World.AUTHORITY.pem());
    Files.writeString(directory.resolve("token"), agent.token());
    Path secret = Files.createDirectories(directory.resolve("secrets/orders/s"));
    Files.writeString(secret.resolve("username"), "gateway");
    List<Configuration> applied = new CopyOnWriteArrayList<>();
    List<ApprovalDecision> decided = new CopyOnWriteArrayList<>();
    Sessions sessions = new Sessions();
    ChannelRequestStore requests = new ChannelRequestStore(session -> sessions.begin());
    requests.start(
        new RequestStore.Listener() {
          @Override
          public void decided(String name, List<ApprovalDecision> decisions) {
            decided.addAll(decisions);
          }

          @Override
          public void withdrawn(String name, String reason) {
            throw new AssertionError(name + ": " + reason);
          }
        });
    try (GatewayThreads threads = new GatewayThreads(2);
        OperatorConfiguration configuration =
            new OperatorConfiguration(directory.resolve("secrets"), applied::add);
        OperatorReports reports =
            new OperatorReports(List::of, configuration::unresolved, () -> new Health(true, ""));
        OperatorChannel channel =
            new OperatorChannel(
                new OperatorAddress(
                    "127.0.0.1",
                    replica.port(),
                    directory.resolve("ca.crt"),
                    directory.resolve("token"),
                    agent.uid()),
                TIMES,
                agent.key,
                new OperatorLease(),
                List.of(configuration, reports, sessions, requests),
                threads.backgroundLoop(),
                threads.waiting())) {
      configuration.start();
      reports.start();
      channel.start();
      // The Secret lacks the password: the connection is not served, and people are told why.
      await()
          .untilAsserted(
              () ->
                  assertThat(connection(namespace).getStatus().conditions())
                      .anySatisfy(
                          one -> {
                            assertThat(one.type()).isEqualTo("CredentialsResolved");
                            assertThat(one.status()).isEqualTo(ConditionStatus.FALSE);
                            assertThat(one.message()).contains("pod agent-0", "password");
                          }));
      assertThat(applied).allSatisfy(one -> assertThat(one.connections()).isEmpty());
      Files.writeString(secret.resolve("password"), "not-shown-anywhere");
      await().untilAsserted(() -> assertThat(served(applied)).containsExactly("orders"));
      await()
          .untilAsserted(
              () ->
                  assertThat(policy(namespace).getStatus().connections())
                      .containsExactly(new PolicyConnectionStatus("orders", true, null)));
      assertThat(connection(namespace).getStatus().toString()).doesNotContain("not-shown-anywhere");

      Request request =
          new Request(
              "s-1",
              "orders",
              new RequestRequester("agent", List.of(), World.AGENT, "agent-0", agent.uid()),
              new RequestOperation(
                  Protocol.POSTGRESQL,
                  List.of(new RequestAccess(Effect.WRITE, "DELETE", "public.orders")),
                  "DELETE FROM public.orders",
                  List.of(),
                  "sha256:" + "b".repeat(64)),
              new RequestPolicy("agents", "writes", "policy-uid", 1L),
              new RequestApprovers(List.of(World.DBA), List.of(), 1, false),
              Instant.now().plusSeconds(3600).toString());
      requests.create(namespace, "r-1", request, Instant.now());
      await().untilAsserted(() -> assertThat(world.request(namespace, "r-1")).isNotNull());
      world.decide(namespace, "r-1", JANE, "Approve");
      await()
          .untilAsserted(
              () ->
                  assertThat(decided)
                      .containsExactly(new ApprovalDecision(JANE, ApprovalVerdict.APPROVE, null)));
      int before = applied.size();
      world.policy(namespace, "agents", "orders", "Deny");
      await().untilAsserted(() -> assertThat(applied.size()).isGreaterThan(before));
    }
  }

  /** The connections that were put in force last. */
  private static List<String> served(List<Configuration> applied) {
    return applied.get(applied.size() - 1).connections().stream()
        .map(ConnectionConfiguration::name)
        .toList();
  }

  private static AgentConnection connection(String namespace) {
    return world
        .admin()
        .resources(AgentConnection.class)
        .inNamespace(namespace)
        .withName("orders")
        .get();
  }

  private static AccessPolicy policy(String namespace) {
    return world
        .admin()
        .resources(AccessPolicy.class)
        .inNamespace(namespace)
        .withName("agents")
        .get();
  }
}
