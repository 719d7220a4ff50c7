package dev.chaperone.operator.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.Revoke;
import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What sidecars are told, and what is kept of their sessions, on a real API server. */
@UsesTestCluster
@Timeout(300)
class DistributionIT {
  private static World world;
  private static World.Replica replica;

  private String namespace;

  @BeforeAll
  static void start(TestCluster cluster) throws Exception {
    Awaitility.setDefaultTimeout(World.PATIENCE);
    // What is not there yet has no status to look at either.
    Awaitility.ignoreExceptionsByDefault();
    world = new World(cluster);
    replica = world.replica("replica-0");
  }

  @AfterAll
  static void stop() {
    Awaitility.reset();
    world.close();
  }

  @BeforeEach
  void namespace() {
    namespace = world.namespace();
  }

  private AgentSession session(String name) {
    return world.session(namespace, name);
  }

  @Test
  void aSidecarIsToldWhatConcernsItWhenItConnectsAndWhenThatChanges() throws Exception {
    world.connection(namespace, "orders", 15432);
    world.connection(namespace, "younger", 15433);
    world.policy(namespace, "agents", "orders", "Allow");
    world.policy(namespace, "elsewhere", "younger", "Allow");
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    try (Talk talk = agent.connect(replica)) {
      String ours = namespace + "/";
      await()
          .untilAsserted(
              () ->
                  assertThat(talk.configured())
                      .containsExactly(
                          "Pod " + ours + "agent-0",
                          "AgentConnection " + ours + "orders",
                          "AccessPolicy " + ours + "agents"));
      world.policy(namespace, "agents", "orders", "Deny");
      await()
          .untilAsserted(
              () ->
                  assertThat(String.valueOf(talk.spec("AccessPolicy", "rules"))).contains("Deny"));
      world.connection(namespace, "orders", 15499);
      await()
          .untilAsserted(
              () -> assertThat(talk.spec("AgentConnection", "listen")).hasToString("{port=15499}"));
      world
          .admin()
          .resources(AccessPolicy.class)
          .inNamespace(namespace)
          .withName("agents")
          .delete();
      await().untilAsserted(() -> assertThat(talk.configured()).hasSize(2));
      world
          .admin()
          .resources(AgentConnection.class)
          .inNamespace(namespace)
          .withName("orders")
          .delete();
      await()
          .untilAsserted(
              () -> assertThat(talk.configured()).containsExactly("Pod " + ours + "agent-0"));
    }
  }

  @Test
  void namespacesDoNotSeeEachOther() throws Exception {
    String other = world.namespace();
    world.connection(namespace, "orders", 15432);
    world.connection(other, "orders", 15433);
    world.policy(other, "agents", "orders", "Allow");
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    World.Agent neighbour = world.agent(other, "agent-0", "orders");
    try (Talk talk = agent.connect(replica);
        Talk next = neighbour.connect(replica)) {
      await().untilAsserted(() -> assertThat(next.configured()).hasSize(3));
      await()
          .untilAsserted(
              () ->
                  assertThat(talk.configured())
                      .containsExactly(
                          "Pod " + namespace + "/agent-0",
                          "AgentConnection " + namespace + "/orders"));
      int told = talk.heard(Configure.class).size();
      world.policy(other, "agents", "orders", "Deny");
      await()
          .untilAsserted(
              () ->
                  assertThat(String.valueOf(next.spec("AccessPolicy", "rules"))).contains("Deny"));
      assertThat(talk.heard(Configure.class)).hasSize(told);
    }
  }

  @Test
  void manyEditsAreFewConfigurationsAndTheLastOneArrives() throws Exception {
    world.connection(namespace, "orders", 15432);
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    try (Talk talk = agent.connect(replica)) {
      await().untilAsserted(() -> assertThat(talk.configured()).hasSize(2));
      long begin = System.nanoTime();
      for (int port = 16000; port < 16100; port++) {
        world.connection(namespace, "orders", port);
      }
      await()
          .untilAsserted(
              () -> assertThat(talk.spec("AgentConnection", "listen")).hasToString("{port=16099}"));
      long quarters = (System.nanoTime() - begin) / Duration.ofMillis(250).toNanos();
      assertThat(talk.heard(Configure.class).size()).isLessThanOrEqualTo((int) quarters + 3);
    }
  }

  @Test
  void aSessionAppearsGoesOnAndEnds() throws Exception {
    world.connection(namespace, "orders", 15432);
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    List<AgentSession> seen = new CopyOnWriteArrayList<>();
    try (Watch watch = watch(seen);
        Talk talk = agent.connect(replica)) {
      assertThat(watch).isNotNull();
      talk.start("agent-0-orders", "orders");
      await()
          .untilAsserted(
              () ->
                  assertThat(session("agent-0-orders").getStatus().phase())
                      .isEqualTo(SessionPhase.ACTIVE));
      AgentSession session = session("agent-0-orders");
      assertThat(session.getSpec().podUid()).isEqualTo(agent.uid());
      assertThat(session.getSpec().connection()).isEqualTo("orders");
      assertThat(session.getMetadata().getLabels())
          .containsEntry("chaperone.dev/connection", "orders")
          .containsEntry("chaperone.dev/pod", "agent-0");
      assertThat(session.getMetadata().getOwnerReferences()).isEmpty();
      long begin = System.nanoTime();
      int before = seen.size();
      for (int i = 1; i <= 60; i++) {
        talk.progress("agent-0-orders", i);
        Thread.sleep(100);
      }
      await()
          .untilAsserted(
              () ->
                  assertThat(session("agent-0-orders").getStatus().operations().allowed())
                      .isEqualTo(60));
      long intervals = (System.nanoTime() - begin) / Duration.ofSeconds(5).toNanos();
      assertThat(seen.size() - before).isBetween(1, (int) intervals + 2);
      talk.progress("agent-0-orders", 77);
      talk.say(new SessionEnded("agent-0-orders", false));
      await()
          .untilAsserted(
              () ->
                  assertThat(session("agent-0-orders").getStatus().phase())
                      .isEqualTo(SessionPhase.ENDED));
      assertThat(session("agent-0-orders").getStatus().operations().allowed()).isEqualTo(77);
      assertThat(
              replica
                  .metrics()
                  .get("chaperone.agent.operations")
                  .tags("namespace", namespace, "connection", "orders", "decision", "allowed")
                  .counter()
                  .count())
          .isEqualTo(77);
      assertThat(replica.metrics().get("chaperone.gateways").gauge().value()).isPositive();
      assertThat(replica.metrics().get("chaperone.approvals.pending").gauge().value())
          .isGreaterThanOrEqualTo(0);
      await()
          .untilAsserted(
              () -> assertThat(replica.metrics().get("chaperone.leader").gauge().value()).isOne());
    }
  }

  private Watch watch(List<AgentSession> seen) {
    return world
        .admin()
        .resources(AgentSession.class)
        .inNamespace(namespace)
        .watch(
            new Watcher<>() {
              @Override
              public void eventReceived(Action action, AgentSession session) {
                seen.add(session);
              }

              @Override
              public void onClose(WatcherException cause) {}
            });
  }

  @Test
  void aRevokedSessionIsEndedAndSaysSo() throws Exception {
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    try (Talk talk = agent.connect(replica)) {
      talk.start("s-1", "orders");
      await().untilAsserted(() -> assertThat(session("s-1")).isNotNull());
      revoke("s-1");
      await().untilAsserted(() -> assertThat(talk.heard(Revoke.class)).contains(new Revoke("s-1")));
      talk.say(new SessionEnded("s-1", true));
      await()
          .untilAsserted(
              () -> assertThat(session("s-1").getStatus().phase()).isEqualTo(SessionPhase.REVOKED));
    }
  }

  @Test
  void aSessionThatWasRevokedWhileItsSidecarWasAwayIsEndedWhenItIsBack() throws Exception {
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    try (Talk talk = agent.connect(replica)) {
      talk.start("s-1", "orders");
      await().untilAsserted(() -> assertThat(session("s-1")).isNotNull());
    }
    revoke("s-1");
    try (Talk talk = agent.connect(replica)) {
      talk.start("s-1", "orders");
      await().untilAsserted(() -> assertThat(talk.heard(Revoke.class)).contains(new Revoke("s-1")));
    }
  }

  @Test
  void whatWasRevokedStaysRevokedForAGatewayThatIsStartedAnew() throws Exception {
    world.connection(namespace, "orders", 15432);
    world.connection(namespace, "invoices", 15433);
    World.Agent agent = world.agent(namespace, "agent-0", "orders", "invoices");
    try (Talk talk = agent.connect(replica)) {
      talk.start("s-1", "orders");
      await().untilAsserted(() -> assertThat(session("s-1")).isNotNull());
      revoke("s-1");
      await().untilAsserted(() -> assertThat(talk.heard(Revoke.class)).contains(new Revoke("s-1")));
      // It is killed before it says anything.
    }
    try (Talk talk = agent.connect(replica)) {
      // Nobody is served until the new session is told.
      await().untilAsserted(() -> assertThat(talk.configured()).hasSize(3));
      assertThat(talk.suspended()).containsExactly("orders");
      talk.start("s-2", "orders");
      talk.start("s-3", "invoices");
      await().untilAsserted(() -> assertThat(talk.heard(Revoke.class)).contains(new Revoke("s-2")));
      await().untilAsserted(() -> assertThat(session("s-2").getSpec().revoked()).isTrue());
      await().untilAsserted(() -> assertThat(session("s-3")).isNotNull());
      assertThat(session("s-3").getSpec().revoked()).isFalse();
    }
    // Another pod is another use.
    World.Agent other = world.agent(namespace, "agent-1", "orders", "invoices");
    try (Talk talk = other.connect(replica)) {
      await().untilAsserted(() -> assertThat(talk.configured()).hasSize(3));
      assertThat(talk.suspended()).isEmpty();
    }
  }

  private void revoke(String session) {
    Api.Answer answer =
        world
            .cluster()
            .api()
            .patch(
                "/apis/chaperone.dev/v1alpha1/namespaces/"
                    + namespace
                    + "/agentsessions/"
                    + session,
                Api.MERGE_PATCH,
                "{\"spec\":{\"revoked\":true}}");
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  @Test
  void nobodyTakesTheSessionOfAnotherPod() throws Exception {
    World.Agent first = world.agent(namespace, "agent-0", "orders");
    World.Agent second = world.agent(namespace, "agent-1", "orders");
    try (Talk talk = first.connect(replica);
        Talk thief = second.connect(replica)) {
      talk.start("s-1", "orders");
      await().untilAsserted(() -> assertThat(session("s-1")).isNotNull());
      thief.start("s-1", "orders");
      await().until(thief::isOver);
      assertThat(talk.isOver()).isFalse();
      assertThat(session("s-1").getSpec().podUid()).isEqualTo(first.uid());
    }
    // Also where the first one is not connected any more.
    try (Talk thief = second.connect(replica)) {
      thief.start("s-1", "orders");
      await().until(thief::isOver);
    }
  }
}
