package dev.chaperone.operator.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.ChannelMessage.ConditionsReport;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationRejected;
import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.RequestShown;
import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AccessPolicyStatus;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentConnectionStatus;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequest;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.PolicyConnectionStatus;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.operator.access.AccessReviews;
import dev.chaperone.operator.access.KubernetesAccessReviews;
import dev.chaperone.operator.access.SecretReading;
import dev.chaperone.operator.channel.ConfigMapKeyBindings;
import dev.chaperone.operator.distribution.SidecarReports;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the leader alone does, on a real API server. */
@UsesTestCluster
@Timeout(300)
class LeaderIT {
  private static World world;

  private final List<World.Replica> replicas = new ArrayList<>();
  private String namespace;

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
  void namespace() {
    namespace = world.namespace();
  }

  @AfterEach
  void stopReplicas() {
    replicas.forEach(World.Replica::close);
  }

  private World.Replica replica(String name) throws Exception {
    World.Replica replica = world.replica(name);
    replicas.add(replica);
    return replica;
  }

  private AgentConnectionStatus connectionStatus(String name) {
    return world
        .admin()
        .resources(AgentConnection.class)
        .inNamespace(namespace)
        .withName(name)
        .get()
        .getStatus();
  }

  private AccessPolicyStatus policyStatus(String name) {
    return world
        .admin()
        .resources(AccessPolicy.class)
        .inNamespace(namespace)
        .withName(name)
        .get()
        .getStatus();
  }

  private static Condition condition(List<Condition> conditions, String type) {
    return conditions.stream().filter(one -> one.type().equals(type)).findFirst().orElseThrow();
  }

  private Condition ofConnection(String type) {
    return condition(connectionStatus("orders").conditions(), type);
  }

  private String guard() {
    return world
        .admin()
        .namespaces()
        .withName(namespace)
        .get()
        .getMetadata()
        .getLabels()
        .get("chaperone.dev/guarded");
  }

  @Test
  void aConnectionSaysHowItIs() throws Exception {
    World.Replica replica = replica("replica-0");
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    world.agent(namespace, "older", "elsewhere");
    world.connection(namespace, "orders", 15432);
    await().untilAsserted(() -> assertThat(guard()).isEqualTo("true"));
    await()
        .untilAsserted(
            () -> {
              AgentConnectionStatus status = connectionStatus("orders");
              assertThat(condition(status.conditions(), "Accepted").status())
                  .isEqualTo(ConditionStatus.TRUE);
              assertThat(condition(status.conditions(), "Accepted").observedGeneration())
                  .isEqualTo(1);
              assertThat(condition(status.conditions(), "Suspended").status())
                  .isEqualTo(ConditionStatus.FALSE);
              assertThat(condition(status.conditions(), "AgentPrivileged").status())
                  .isEqualTo(ConditionStatus.FALSE);
              assertThat(status.agents().injected()).isEqualTo(1);
              assertThat(status.agents().needRestart()).isEqualTo(1);
              assertThat(status.sessions().active()).isZero();
            });
    String since = ofConnection("Accepted").lastTransitionTime();
    try (Talk talk = agent.connect(replica)) {
      await().untilAsserted(() -> assertThat(talk.configured()).hasSize(2));
      talk.answerConfiguration();
      talk.start("s-1", "orders");
      talk.say(
          new ConditionsReport(
              "orders",
              List.of(
                  new Condition(
                      "CredentialsResolved", ConditionStatus.TRUE, "Read", "", null, null),
                  new Condition(
                      "TargetReachable",
                      ConditionStatus.FALSE,
                      "LogInFailed",
                      "no route",
                      null,
                      null))));
      await()
          .untilAsserted(
              () -> {
                assertThat(connectionStatus("orders").sessions().active()).isEqualTo(1);
                assertThat(ofConnection("CredentialsResolved").status())
                    .isEqualTo(ConditionStatus.TRUE);
                assertThat(ofConnection("TargetReachable").message())
                    .isEqualTo("pod agent-0: no route");
              });
      long revision = talk.heard(Configure.class).get(0).revision();
      talk.say(
          new ConfigurationRejected(
              revision,
              List.of(
                  "AgentConnection "
                      + namespace
                      + "/orders: spec.credentials.secretRef: there is no Secret \"s\" in"
                      + " namespace x")));
      await()
          .untilAsserted(
              () -> {
                assertThat(ofConnection("Accepted").status()).isEqualTo(ConditionStatus.FALSE);
                assertThat(ofConnection("Accepted").reason()).isEqualTo("RejectedBySidecar");
                assertThat(ofConnection("Accepted").message())
                    .startsWith("pod agent-0: spec.credentials.secretRef: there is no Secret");
                assertThat(ofConnection("CredentialsResolved").status())
                    .isEqualTo(ConditionStatus.FALSE);
              });
      assertThat(ofConnection("Accepted").lastTransitionTime()).isNotEqualTo(since);
      await()
          .untilAsserted(
              () ->
                  assertThat(world.admin().v1().events().inNamespace(namespace).list().getItems())
                      .extracting(Event::getReason)
                      .contains("RejectedBySidecar"));
      talk.answerConfiguration();
      await()
          .untilAsserted(
              () -> assertThat(ofConnection("Accepted").status()).isEqualTo(ConditionStatus.TRUE));
    }
    world.admin().resources(AgentConnection.class).inNamespace(namespace).delete();
    await().untilAsserted(() -> assertThat(guard()).isNull());
  }

  @Test
  void agentsThatMayReadTheCredentialThemselvesAreNamed() throws Exception {
    for (String yaml :
        List.of(
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: Role
            metadata: {name: reader}
            rules: [{apiGroups: [""], resources: [secrets], resourceNames: [s], verbs: [watch]}]
            """,
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBinding
            metadata: {name: reader}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
            subjects: [{kind: ServiceAccount, name: support-agent}]
            """)) {
      String plural = yaml.contains("kind: Role\n") ? "roles" : "rolebindings";
      assertThat(
              world
                  .cluster()
                  .api()
                  .create(
                      "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/" + plural,
                      yaml)
                  .accepted())
          .isTrue();
    }
    AccessReviews reviews = new KubernetesAccessReviews(world.admin());
    await()
        .until(
            () ->
                reviews.allowed(
                    SecretReading.questions(namespace, World.AGENT, "s").stream()
                        .filter(question -> question.verb().equals("watch"))
                        .findFirst()
                        .orElseThrow()));
    replica("replica-0");
    world.agent(namespace, "agent-0", "orders");
    world.connection(namespace, "orders", 15432);
    await()
        .untilAsserted(
            () -> {
              assertThat(ofConnection("AgentPrivileged").status()).isEqualTo(ConditionStatus.TRUE);
              assertThat(ofConnection("AgentPrivileged").message())
                  .isEqualTo("service account support-agent may read Secret s");
            });
    await()
        .untilAsserted(
            () ->
                assertThat(world.admin().v1().events().inNamespace(namespace).list().getItems())
                    .anyMatch(
                        event ->
                            event.getType().equals("Warning")
                                && event.getReason().equals("CredentialReadable")));
  }

  @Test
  void aGuardThatIsTakenAwayIsPutBack() throws Exception {
    replica("replica-0");
    world.connection(namespace, "orders", 15432);
    await().untilAsserted(() -> assertThat(guard()).isEqualTo("true"));
    // Nobody else may; but a replica that has seen too little might.
    world
        .cluster()
        .as(world.cluster().serviceAccount(World.OPERATOR))
        .namespaces()
        .withName(namespace)
        .patch(
            PatchContext.of(PatchType.JSON_MERGE),
            "{\"metadata\":{\"labels\":{\"chaperone.dev/guarded\":null}}}");
    await().untilAsserted(() -> assertThat(guard()).isEqualTo("true"));
  }

  @Test
  void mistakesAreNamedInTheWordsOfTheGateway() throws Exception {
    replica("replica-0");
    world.apply(
        AgentConnection.class,
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AgentConnection
        metadata: {name: orders, namespace: %s}
        spec:
          protocol: MySQL
          target: {host: orders.example.com, port: 5432, database: orders}
          credentials: {secretRef: {name: s, usernameKey: username, passwordKey: password}}
          agents: {podSelector: {matchLabels: {app: support}}}
          listen: {port: 15432}
          limits: {statementBytes: 1}
        """
            .formatted(namespace));
    world.apply(
        AccessPolicy.class,
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: agents, namespace: %s}
        spec:
          connections: [orders]
          subjects: [{kind: ServiceAccount, name: support-agent}]
          rules: [{name: reads, effects: [Read], when: "operation.nothing.like.this", action: Allow}]
        """
            .formatted(namespace));
    await()
        .untilAsserted(
            () -> {
              assertThat(ofConnection("Accepted").status()).isEqualTo(ConditionStatus.FALSE);
              assertThat(ofConnection("Accepted").reason()).isEqualTo("Invalid");
              assertThat(ofConnection("Accepted").message())
                  .contains("spec.protocol: protocol MySQL is not supported by this version")
                  .contains("spec.limits.statementBytes: must be between 1Ki and 1Gi, not 1")
                  .doesNotContain("Secret");
              Condition accepted = condition(policyStatus("agents").conditions(), "Accepted");
              assertThat(accepted.status()).isEqualTo(ConditionStatus.FALSE);
              assertThat(accepted.message()).contains("spec.rules[0].when");
            });
  }

  @Test
  void aPolicySaysWhereItIsInForceAndWhichConnectionIsNotThere() throws Exception {
    World.Replica replica = replica("replica-0");
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    world.connection(namespace, "orders", 15432);
    world.apply(
        AccessPolicy.class,
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: agents, namespace: %s}
        spec:
          connections: [orders, none]
          subjects: [{kind: ServiceAccount, name: support-agent}]
          rules: [{name: reads, effects: [Read], action: Allow}]
        """
            .formatted(namespace));
    await()
        .untilAsserted(
            () -> {
              AccessPolicyStatus status = policyStatus("agents");
              assertThat(condition(status.conditions(), "Accepted").status())
                  .isEqualTo(ConditionStatus.TRUE);
              assertThat(condition(status.conditions(), "ConnectionsFound").status())
                  .isEqualTo(ConditionStatus.FALSE);
              assertThat(status.connections())
                  .contains(
                      new PolicyConnectionStatus(
                          "none", false, "there is no such AgentConnection"));
            });
    try (Talk talk = agent.connect(replica)) {
      await().untilAsserted(() -> assertThat(talk.configured()).hasSize(3));
      talk.answerConfiguration();
      await()
          .untilAsserted(
              () ->
                  assertThat(policyStatus("agents").connections())
                      .contains(new PolicyConnectionStatus("orders", true, null)));
      // Another generation that the sidecar has not answered yet.
      world.policy(namespace, "agents", "orders", "Deny");
      await().untilAsserted(() -> assertThat(talk.heard(Configure.class)).hasSize(2));
      await()
          .untilAsserted(
              () ->
                  assertThat(policyStatus("agents").connections())
                      .containsExactly(
                          new PolicyConnectionStatus(
                              "orders", false, "pod agent-0 does not enforce it yet")));
      talk.answerConfiguration();
      await()
          .untilAsserted(
              () ->
                  assertThat(policyStatus("agents").connections())
                      .containsExactly(new PolicyConnectionStatus("orders", true, null)));
    }
  }

  @Test
  void whereNothingHappensNothingIsWritten() throws Exception {
    World.Replica replica = replica("replica-0");
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    world.connection(namespace, "orders", 15432);
    world.policy(namespace, "agents", "orders", "Allow");
    try (Talk talk = agent.connect(replica)) {
      await().untilAsserted(() -> assertThat(talk.configured()).hasSize(3));
      talk.answerConfiguration();
      talk.start("s-1", "orders");
      talk.progress("s-1", 1);
      talk.ask("r-1", talk.request(agent, "s-1", Instant.now().plusSeconds(3600)));
      await().untilAsserted(() -> assertThat(talk.heard(RequestShown.class)).hasSize(1));
      await()
          .untilAsserted(
              () -> {
                assertThat(connectionStatus("orders").sessions().active()).isEqualTo(1);
                assertThat(policyStatus("agents").connections())
                    .containsExactly(new PolicyConnectionStatus("orders", true, null));
                assertThat(world.session(namespace, "s-1").getStatus().rows()).isEqualTo(10);
              });
      // Whatever is still on its way arrives; then eight seconds and as many sweeps without a
      // write.
      AtomicReference<Map<String, String>> last = new AtomicReference<>(new TreeMap<>());
      AtomicLong since = new AtomicLong(System.nanoTime());
      await()
          .atMost(Duration.ofSeconds(90))
          .until(
              () -> {
                Map<String, String> now = versions();
                if (!now.equals(last.getAndSet(now))) {
                  since.set(System.nanoTime());
                }
                return System.nanoTime() - since.get() > Duration.ofSeconds(8).toNanos();
              });
      int configured = talk.heard(Configure.class).size();
      // The same said again is nothing new.
      talk.progress("s-1", 1);
      talk.answerConfiguration();
      await().during(Duration.ofSeconds(7)).until(() -> versions().equals(last.get()));
      assertThat(talk.heard(Configure.class)).hasSize(configured);
    }
  }

  /** The version of everything that the operator writes, but for its Lease. */
  private Map<String, String> versions() {
    Map<String, String> versions = new TreeMap<>();
    Stream.of("AgentConnection", "AccessPolicy", "ApprovalRequest", "AgentSession")
        .flatMap(
            kind ->
                world
                    .admin()
                    .genericKubernetesResources("chaperone.dev/v1alpha1", kind)
                    .inNamespace(namespace)
                    .list()
                    .getItems()
                    .stream())
        .forEach(one -> put(versions, one));
    world
        .admin()
        .configMaps()
        .inNamespace(world.cluster().namespace())
        .list()
        .getItems()
        .forEach(one -> put(versions, one));
    world.admin().v1().events().inNamespace(namespace).list().getItems().stream()
        .filter(event -> "chaperone.dev/operator".equals(event.getReportingComponent()))
        .forEach(one -> put(versions, one));
    return versions;
  }

  private static void put(Map<String, String> versions, HasMetadata one) {
    versions.put(
        one.getKind() + "/" + one.getMetadata().getName(), one.getMetadata().getResourceVersion());
  }

  @Test
  void whatAPodLeavesBehindIsEndedAndClearedUp() throws Exception {
    World.Replica replica = replica("replica-0");
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    world.connection(namespace, "orders", 15432);
    try (Talk talk = agent.connect(replica)) {
      await().untilAsserted(() -> assertThat(talk.configured()).hasSize(2));
      talk.answerConfiguration();
      talk.start("s-1", "orders");
      talk.ask("r-1", talk.request(agent, "s-1", Instant.now().plusSeconds(3600)));
      await().untilAsserted(() -> assertThat(talk.heard(RequestShown.class)).hasSize(1));
      await().untilAsserted(() -> assertThat(configMapsOf(agent)).hasSize(2));
    }
    world.admin().pods().inNamespace(namespace).withName("agent-0").withGracePeriod(0).delete();
    // Another pod of the same name is not it.
    await()
        .until(() -> world.admin().pods().inNamespace(namespace).withName("agent-0").get() == null);
    Pod next = world.agent(namespace, "agent-0", "orders").pod;
    assertThat(next.getMetadata().getUid()).isNotEqualTo(agent.uid());
    await()
        .untilAsserted(
            () -> {
              ApprovalRequest request = world.request(namespace, "r-1");
              assertThat(request.getStatus().phase()).isEqualTo(ApprovalPhase.CANCELLED);
              assertThat(request.getStatus().conditions().get(0).message())
                  .isEqualTo("the agent's pod is gone");
              assertThat(world.session(namespace, "s-1").getStatus().phase())
                  .isEqualTo(SessionPhase.ENDED);
              assertThat(world.session(namespace, "s-1").getStatus().conditions())
                  .extracting(Condition::type)
                  .containsExactly("Lost");
              assertThat(configMapsOf(agent)).isEmpty();
            });
  }

  @Test
  void theSessionOfAGatewayThatWasKilledEndsOnceItsPodHasAnother() throws Exception {
    World.Replica replica = replica("replica-0");
    World.Agent agent = world.agent(namespace, "agent-0", "orders", "invoices");
    try (Talk talk = agent.connect(replica)) {
      talk.start("s-1", "orders");
      talk.start("other", "invoices");
      talk.ask("r-1", talk.request(agent, "s-1", Instant.now().plusSeconds(3600)));
      await().untilAsserted(() -> assertThat(talk.heard(RequestShown.class)).hasSize(1));
      await().until(() -> world.session(namespace, "other") != null);
      // A gateway that was started anew speaks of what is new only. Creation is told to the second.
      Instant first = created("s-1");
      await().until(() -> Instant.now().isAfter(first.plusSeconds(2)));
      talk.start("s-2", "orders");
      await()
          .untilAsserted(
              () -> {
                assertThat(world.session(namespace, "s-1").getStatus().phase())
                    .isEqualTo(SessionPhase.ENDED);
                assertThat(
                        condition(world.session(namespace, "s-1").getStatus().conditions(), "Lost"))
                    .extracting(Condition::reason)
                    .isEqualTo("GatewayRestarted");
                assertThat(world.request(namespace, "r-1").getStatus().phase())
                    .isEqualTo(ApprovalPhase.CANCELLED);
              });
      assertThat(world.session(namespace, "s-2").getStatus().phase())
          .isEqualTo(SessionPhase.ACTIVE);
      assertThat(world.session(namespace, "other").getStatus().phase())
          .isEqualTo(SessionPhase.ACTIVE);
    }
  }

  private Instant created(String session) {
    return Instant.parse(world.session(namespace, session).getMetadata().getCreationTimestamp());
  }

  private List<String> configMapsOf(World.Agent agent) {
    return Stream.of(ConfigMapKeyBindings.LABEL, SidecarReports.LABEL)
        .flatMap(
            label ->
                world
                    .admin()
                    .configMaps()
                    .inNamespace(world.cluster().namespace())
                    .withLabel(label)
                    .list()
                    .getItems()
                    .stream())
        .map(map -> map.getMetadata().getName())
        .filter(name -> name.endsWith(agent.uid()))
        .toList();
  }

  @Test
  void aRequestWhoseSidecarIsAwayExpires() throws Exception {
    World.Replica replica = replica("replica-0");
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    try (Talk talk = agent.connect(replica)) {
      talk.start("s-1", "orders");
      talk.ask("r-1", talk.request(agent, "s-1", Instant.now().plusSeconds(3)));
      await().untilAsserted(() -> assertThat(talk.heard(RequestShown.class)).hasSize(1));
    }
    await()
        .untilAsserted(
            () ->
                assertThat(world.request(namespace, "r-1").getStatus().phase())
                    .isEqualTo(ApprovalPhase.EXPIRED));
  }

  @Test
  void whatIsOverIsDeletedAfterItsRetention() throws Exception {
    World.Replica replica =
        world.replica(
            new ControlSettings(
                world.cluster().namespace(),
                "replica-0",
                Duration.ofSeconds(1),
                Duration.ofHours(1),
                Duration.ofSeconds(5),
                Duration.ofSeconds(1),
                Duration.ofSeconds(1),
                Clock.systemUTC()));
    replicas.add(replica);
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    try (Talk talk = agent.connect(replica)) {
      talk.start("s-1", "orders");
      talk.ask("r-1", talk.request(agent, "s-1", Instant.now().plusSeconds(3600)));
      await().untilAsserted(() -> assertThat(talk.heard(RequestShown.class)).hasSize(1));
      talk.say(new SessionEnded("s-1", false));
      // The end of the session is the end of the request, and that is deleted a second later.
      await().untilAsserted(() -> assertThat(world.request(namespace, "r-1")).isNull());
      assertThat(world.session(namespace, "s-1").getStatus().phase()).isEqualTo(SessionPhase.ENDED);
    }
    replica.close();
    replicas.add(
        world.replica(
            new ControlSettings(
                world.cluster().namespace(),
                "replica-1",
                Duration.ofHours(1),
                Duration.ofMinutes(1),
                Duration.ofSeconds(5),
                Duration.ofSeconds(1),
                Duration.ofSeconds(1),
                Clock.offset(Clock.systemUTC(), Duration.ofMinutes(2)))));
    await().untilAsserted(() -> assertThat(world.session(namespace, "s-1")).isNull());
  }

  @Test
  void anotherReplicaTakesOverFromALeaderThatIsClosed() throws Exception {
    World.Replica first = replica("replica-a");
    world.connection(namespace, "orders", 15432);
    await().untilAsserted(() -> assertThat(connectionStatus("orders")).isNotNull());
    assertThat(leader()).isEqualTo("replica-a");
    World.Replica second = replica("replica-b");
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    try (Talk talk = agent.connect(second)) {
      // The sidecar is with one replica, the leader is the other.
      await().untilAsserted(() -> assertThat(talk.configured()).hasSize(2));
      talk.answerConfiguration();
      talk.start("s-1", "orders");
      talk.say(
          new ConditionsReport(
              "orders",
              List.of(
                  new Condition(
                      "TargetReachable", ConditionStatus.TRUE, "LoggedIn", "", null, null))));
      await()
          .untilAsserted(
              () -> {
                assertThat(ofConnection("TargetReachable").status())
                    .isEqualTo(ConditionStatus.TRUE);
                assertThat(connectionStatus("orders").sessions().active()).isEqualTo(1);
                assertThat(connectionStatus("orders").agents().injected()).isEqualTo(1);
              });
      assertThat(leader()).isEqualTo("replica-a");
      first.close();
      talk.say(new SessionEnded("s-1", false));
      await().untilAsserted(() -> assertThat(leader()).isEqualTo("replica-b"));
      await()
          .untilAsserted(() -> assertThat(connectionStatus("orders").sessions().active()).isZero());
      assertThat(talk.isOver()).isFalse();
    }
  }

  private String leader() {
    return world
        .admin()
        .leases()
        .inNamespace(world.cluster().namespace())
        .withName(ControlSettings.LEASE)
        .get()
        .getSpec()
        .getHolderIdentity();
  }
}
