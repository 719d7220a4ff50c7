package dev.chaperone.operator.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.ChannelMessage.Decisions;
import dev.chaperone.control.channel.ChannelMessage.RequestGone;
import dev.chaperone.control.channel.ChannelMessage.RequestReport;
import dev.chaperone.control.channel.ChannelMessage.RequestSettled;
import dev.chaperone.control.channel.ChannelMessage.RequestShown;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequest;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.crds.v1alpha1.ObservedDecision;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests from a sidecar to people and back, on a real API server. */
@UsesTestCluster
@Timeout(300)
class RequestsIT {
  private static final String JANE = "jane@example.com";
  private static World world;

  private World.Replica replica;
  private String namespace;
  private World.Agent agent;
  private final Instant inAnHour = Instant.now().plus(Duration.ofHours(1));

  @BeforeAll
  static void populate(TestCluster cluster) throws Exception {
    Awaitility.setDefaultTimeout(World.PATIENCE);
    // What is not there yet has no status to look at either.
    Awaitility.ignoreExceptionsByDefault();
    world = new World(cluster);
  }

  @AfterAll
  static void stop() {
    Awaitility.reset();
    world.close();
  }

  @BeforeEach
  void start() throws Exception {
    replica = world.replica("replica-0");
    namespace = world.namespace();
    world.approvers(namespace);
    agent = world.agent(namespace, "agent-0", "orders");
  }

  @AfterEach
  void stopReplica() {
    replica.close();
  }

  private ApprovalRequest stored(String name) {
    return world.request(namespace, name);
  }

  private ApprovalPhase phase(String name) {
    ApprovalRequestStatus status = stored(name).getStatus();
    return status == null ? null : status.phase();
  }

  private static RequestReport report(String name, ApprovalPhase phase) {
    return new RequestReport(name, phase, List.of(), List.of(), Optional.empty(), Optional.empty());
  }

  /** A sidecar whose request people can see. */
  private Talk asking(String name, Request[] asked) throws Exception {
    Talk talk = agent.connect(replica);
    talk.start("s-1", "orders");
    Request request = talk.request(agent, "s-1", inAnHour);
    asked[0] = request;
    talk.ask(name, request);
    await()
        .untilAsserted(
            () ->
                assertThat(talk.heard(RequestShown.class)).containsExactly(new RequestShown(name)));
    return talk;
  }

  @Test
  void aHeldOperationIsShownDecidedUsedAndSettled() throws Exception {
    Request[] asked = new Request[1];
    try (Talk talk = asking("r-1", asked)) {
      assertThat(stored("r-1").getSpec().request()).isEqualTo(asked[0]);
      assertThat(stored("r-1").getSpec().decisions()).isEmpty();
      assertThat(phase("r-1")).isEqualTo(ApprovalPhase.PENDING);
      world.decide(namespace, "r-1", JANE, "Approve");
      await()
          .untilAsserted(
              () ->
                  assertThat(talk.heard(Decisions.class))
                      .containsExactly(
                          new Decisions(
                              "r-1",
                              List.of(new ApprovalDecision(JANE, ApprovalVerdict.APPROVE, null)))));
      List<ObservedDecision> observed = stored("r-1").getStatus().decisions();
      assertThat(observed).hasSize(1);
      assertThat(Instant.parse(observed.get(0).observedAt())).isBefore(Instant.now());
      talk.say(
          new RequestReport(
              "r-1",
              ApprovalPhase.APPROVED,
              List.of(),
              List.of(),
              Optional.of("2030-01-01T00:00:00Z"),
              Optional.empty()));
      await().untilAsserted(() -> assertThat(phase("r-1")).isEqualTo(ApprovalPhase.APPROVED));
      assertThat(stored("r-1").getStatus().conditions().get(0).message())
          .isEqualTo("may be used until 2030-01-01T00:00:00Z");
      talk.say(report("r-1", ApprovalPhase.USED));
      await()
          .untilAsserted(
              () ->
                  assertThat(talk.heard(RequestSettled.class))
                      .containsExactly(new RequestSettled("r-1")));
      assertThat(phase("r-1")).isEqualTo(ApprovalPhase.USED);
      assertThat(stored("r-1").getStatus().decisions()).isEqualTo(observed);
      assertThat(talk.heard(Decisions.class)).hasSize(1);
      assertThat(talk.heard(RequestGone.class)).isEmpty();
    }
  }

  @Test
  void anOperatorThatIsStartedAnewPassesOnWhatWasDecidedMeanwhileAndDecidesNothingTwice()
      throws Exception {
    Request[] asked = new Request[1];
    asking("r-1", asked).close();
    replica.close();
    world.decide(namespace, "r-1", JANE, "Approve");
    replica = world.replica("replica-0");
    try (Talk talk = agent.connect(replica)) {
      talk.start("s-1", "orders");
      // It does not know whether the first one was heard, and says it again.
      talk.ask("r-1", asked[0]);
      talk.say(report("r-1", ApprovalPhase.PENDING));
      await().untilAsserted(() -> assertThat(talk.heard(Decisions.class)).hasSize(1));
      assertThat(stored("r-1").getStatus().decisions()).hasSize(1);
      String observedAt = stored("r-1").getStatus().decisions().get(0).observedAt();
      talk.say(report("r-1", ApprovalPhase.APPROVED));
      await().untilAsserted(() -> assertThat(phase("r-1")).isEqualTo(ApprovalPhase.APPROVED));
      replica.close();
      replica = world.replica("replica-0");
      try (Talk again = agent.connect(replica)) {
        again.start("s-1", "orders");
        again.say(report("r-1", ApprovalPhase.USED));
        await().untilAsserted(() -> assertThat(again.heard(RequestSettled.class)).hasSize(1));
        assertThat(phase("r-1")).isEqualTo(ApprovalPhase.USED);
        assertThat(stored("r-1").getStatus().decisions().get(0).observedAt()).isEqualTo(observedAt);
        // What is settled is settled, and said again where that was not heard.
        again.say(report("r-1", ApprovalPhase.CANCELLED));
        await().untilAsserted(() -> assertThat(again.heard(RequestSettled.class)).hasSize(2));
        assertThat(phase("r-1")).isEqualTo(ApprovalPhase.USED);
      }
    }
  }

  @Test
  void aDecisionThatIsSeenTooLateIsNamedAndNotPassedOn() throws Exception {
    Request[] asked = new Request[1];
    asking("r-1", asked).close();
    replica.close();
    world.decide(namespace, "r-1", JANE, "Approve");
    // This replica's clock says that the request has expired.
    replica =
        world.replica(
            world.settings(
                "replica-0",
                Clock.offset(Clock.systemUTC(), Duration.ofHours(2)),
                Duration.ofHours(1)));
    try (Talk talk = agent.connect(replica)) {
      talk.start("s-1", "orders");
      talk.say(report("r-1", ApprovalPhase.PENDING));
      await()
          .untilAsserted(
              () ->
                  assertThat(stored("r-1").getStatus().conditions())
                      .anySatisfy(
                          condition -> {
                            assertThat(condition.type()).isEqualTo("DecisionIgnored");
                            assertThat(condition.message())
                                .isEqualTo(JANE + ": it came after the request had expired");
                          }));
      assertThat(stored("r-1").getStatus().decisions()).isNullOrEmpty();
      talk.say(report("r-1", ApprovalPhase.EXPIRED));
      await().untilAsserted(() -> assertThat(talk.heard(RequestSettled.class)).hasSize(1));
      assertThat(phase("r-1")).isEqualTo(ApprovalPhase.EXPIRED);
      assertThat(talk.heard(Decisions.class)).isEmpty();
    }
  }

  @Test
  void aSidecarCannotApproveByItself() throws Exception {
    Request[] asked = new Request[1];
    try (Talk talk = asking("r-1", asked)) {
      talk.say(report("r-1", ApprovalPhase.APPROVED));
      await().until(talk::isOver);
      assertThat(phase("r-1")).isEqualTo(ApprovalPhase.PENDING);
    }
  }

  @Test
  void aRequestThatIsDeletedIsGone() throws Exception {
    Request[] asked = new Request[1];
    try (Talk talk = asking("r-1", asked)) {
      world
          .cluster()
          .as("system:serviceaccount:" + world.cluster().namespace() + ":" + World.OPERATOR)
          .resources(ApprovalRequest.class)
          .inNamespace(namespace)
          .withName("r-1")
          .delete();
      await()
          .untilAsserted(
              () ->
                  assertThat(talk.heard(RequestGone.class))
                      .containsExactly(new RequestGone("r-1", "the request was deleted")));
    }
  }

  @Test
  void nobodyAsksInTheNameOfAnothersRequest() throws Exception {
    Request[] asked = new Request[1];
    World.Agent other = world.agent(namespace, "agent-1", "orders");
    try (Talk talk = asking("r-1", asked);
        Talk thief = other.connect(replica)) {
      thief.start("s-2", "orders");
      thief.ask("r-1", thief.request(other, "s-2", inAnHour));
      thief.say(report("r-1", ApprovalPhase.CANCELLED));
      await().untilAsserted(() -> assertThat(thief.heard(RequestGone.class)).isNotEmpty());
      assertThat(phase("r-1")).isEqualTo(ApprovalPhase.PENDING);
      assertThat(stored("r-1").getSpec().request()).isEqualTo(asked[0]);
      assertThat(talk.heard(RequestGone.class)).isEmpty();
    }
  }
}
