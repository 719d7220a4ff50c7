package dev.chaperone.operator.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.operator.injection.GatewayNames;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.Output;
import dev.chaperone.operator.testing.TakesMinutes;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestNode;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What becomes of agents at work, of what waits for people and of recordings when something is
 * killed, drained or started in great number, on a real node. What takes minutes is run with {@code
 * -Dload.seconds}, which says for how long leaders are killed; {@code -Dload.pods} says how many
 * agents start at once (15).
 */
@UsesTestNode(withPostgresql = true)
@Tag("long")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class UnderLoadNodeIT {
  private static final String LOAD = "load";
  private static final String CONNECTION = "orders-db";
  private static final String GATEWAY = GatewayNames.CONTAINER;
  private static final String JANE = "jane@example.com";
  private static final String READER = "reader@example.com";
  private static final String COUNT = "SELECT count(*) FROM orders";
  private static final String DONE = "INSERT INTO done";
  private static final Duration SOON = Installation.SOON;

  private static final int SECONDS = Integer.getInteger("load.seconds", 60);
  private static final int PODS = Integer.getInteger("load.pods", 15);

  /** What starting one takes of a small machine. */
  private static final Duration A_GATEWAY = Duration.ofSeconds(10);

  private static final Duration BETWEEN_KILLS = Duration.ofSeconds(20);

  /** Rows of which each update is approved or denied. */
  private static final int ROWS = 1_000;

  /**
   * How long before its end a node may have executed what is not recorded: an event is on the disk
   * within 100 ms, and this machine stands still for a while now and then.
   */
  private static final Duration ON_DISK = Duration.ofSeconds(2);

  /** {@link JdbcAgent}'s line of how often it has executed something. */
  private static final Pattern EXECUTED = Pattern.compile("executed (\\d+) refused (\\d+) .*");

  private static final Pattern TASK = Pattern.compile("(?m)^([0-9a-f]{64})\\s+(\\d+)\\s+RUNNING");

  private static final ObjectMapper JSON = new ObjectMapper();

  private static TestCluster cluster;
  private static Installation installation;
  private static Resources resources;

  @TempDir private static Path plugins;

  @BeforeAll
  static void install(TestCluster given) throws IOException {
    cluster = given;
    Files.createSymbolicLink(
        plugins.resolve("kubectl-chaperone"), Path.of("../chaperone").toRealPath());
    installation = Installation.withStore(cluster);
    resources = new Resources(cluster, LOAD);
    installation.install();
    installation.administer(
        "orders",
        "SET SESSION AUTHORIZATION orders_app",
        "CREATE TABLE counted AS SELECT id, 0 AS n FROM generate_series(1, " + ROWS + ") id",
        "CREATE TABLE done (by text, at timestamptz DEFAULT clock_timestamp())");
    installation.namespace(LOAD);
    installation.apply(
        """
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: load-agent, namespace: load}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: orders-db, namespace: load}
        stringData: {username: orders_app, password: change-me}
        ---
        apiVersion: chaperone.dev/v1alpha1
        kind: AgentConnection
        metadata: {name: orders-db, namespace: load}
        spec:
          protocol: PostgreSQL
          target: {host: orders-db.shop.svc, port: 5432, database: orders, tls: {mode: Disable}}
          credentials: {secretRef: {name: orders-db}}
          agents: {podSelector: {matchLabels: {app: load-agent}}}
          listen: {port: 15432}
        ---
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: load, namespace: load}
        spec:
          connections: [orders-db]
          subjects: [{kind: ServiceAccount, name: load-agent}]
          rules:
          - {name: reads, effects: [Read], action: Allow}
          - {name: done, effects: [Write], resources: [public.done], action: Allow}
          - name: counted
            effects: [Write]
            resources: [public.counted]
            action: RequireApproval
            approval: {approvers: {users: [jane@example.com]}, timeout: 15m}
        ---
        # What is edited. An approval holds for the edition of its own policy alone.
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: editions, namespace: load}
        spec:
          connections: [orders-db]
          subjects: [{kind: ServiceAccount, name: load-agent}]
          rules:
          - {name: cards, effects: [Read], resources: [public.cards], action: Deny, message: edition 0}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: approvers, namespace: load}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: chaperone-approver}
        subjects: [{kind: User, name: jane@example.com, apiGroup: rbac.authorization.k8s.io}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: readers, namespace: load}
        roleRef:
          {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: chaperone-recording-reader}
        subjects: [{kind: User, name: reader@example.com, apiGroup: rbac.authorization.k8s.io}]
        """);
  }

  @AfterAll
  static void uninstall() {
    if (installation != null) {
      installation.close();
    }
  }

  // ---- recordings

  @Test
  void whatAnAgentDidIsReadAndVerifiedByWhoMayReadItAlone() throws IOException {
    try (Agent agent = new Agent("read-1")) {
      agent.client.say(COUNT);
      agent.client.say("DROP TABLE orders");
      String session = resources.session("read-1", CONNECTION);
      await()
          .atMost(SOON)
          .untilAsserted(
              () ->
                  assertThat(replay(session))
                      .anyMatch(event -> is(event, "operationRequested", COUNT))
                      .anyMatch(event -> is(event, "operationRequested", "drop table")));
      Output verified = chaperone("verify", session, "--masking", "--as", READER);
      assertThat(verified.exit()).as(verified.toString()).isEqualTo(4);
      assertThat(verified.out()).contains("valid, not sealed");
      Output other = chaperone("replay", session, "--as", JANE);
      assertThat(other.exit()).as(other.toString()).isEqualTo(1);
      assertThat(other.out()).isEmpty();
    }
  }

  // ---- the gateway is killed

  @Test
  void whereTheGatewayIsKilledTheClientConnectsAgainAndTheRecordingVerifies() throws IOException {
    gatewayEnds(
        "killed-1", () -> cluster.inNode("kill", "-9", process("killed-1", GATEWAY)), "Error");
  }

  @Test
  void whereTheGatewayHasNoMemoryLeftTheClientConnectsAgainAndTheRecordingVerifies()
      throws IOException {
    gatewayEnds("oom-1", () -> exhaustMemory("oom-1"), "OOMKilled");
  }

  private static void gatewayEnds(String pod, Runnable end, String reason) throws IOException {
    try (Agent agent = new Agent(pod)) {
      String session = resources.session(pod, CONNECTION);
      agent.client.send(JdbcAgent.REPEAT + COUNT);
      await().atMost(SOON).until(() -> operations(session) > 20);
      end.run();
      List<String> said = agent.client.answer();
      assertThat(said.get(0)).startsWith("first ERROR 08006 ");
      int executed = executed(said);
      await().atMost(SOON).until(() -> gateway(pod).getRestartCount() == 1);
      assertThat(gateway(pod).getLastState().getTerminated().getReason()).isEqualTo(reason);
      awaitServed(pod);
      awaitRecorded(session, executed);
      assertThat(resources.sessions(pod, CONNECTION)).hasSize(2);
      assertVerifies(session, 4);
      System.out.printf(
          "FIGURE gateway ended (%s): %d executed before, all of them recorded%n",
          reason, executed);
    }
  }

  /** Until a new client is answered. */
  private static void awaitServed(String pod) {
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> {
              try (AgentClient client = AgentClient.jdbc(cluster, LOAD, pod).connected()) {
                assertThat(client.say(COUNT)).containsExactly("400");
              }
            });
  }

  /**
   * Has further processes of the gateway's container take all of the memory that it may have. The
   * kernel then kills the largest one, which is the gateway as long as they are several; proc(5),
   * oom_score_adj.
   */
  private static void exhaustMemory(String pod) {
    String limit =
        installation.pod(LOAD, pod).getSpec().getInitContainers().stream()
            .filter(container -> container.getName().equals(GATEWAY))
            .map(container -> container.getResources().getLimits().get("memory"))
            .map(memory -> memory.getNumericalAmount().toBigInteger().toString())
            .findFirst()
            .orElseThrow();
    cluster.inNode(
        "sh",
        "-c",
        """
        echo 1000 >/proc/%1$s/oom_score_adj
        for n in 1 2 3 4; do
          ctr --namespace k8s.io tasks exec --exec-id hog$n %2$s /opt/chaperone/java/bin/java \
            -XX:+UseSerialGC -XX:+AlwaysPreTouch -Xms%3$s -Xmx%3$s -version >/dev/null 2>&1 &
        done
        wait
        """
            .formatted(
                process(pod, GATEWAY), container(installation.pod(LOAD, pod), GATEWAY), limit));
  }

  // ---- the API server, the node

  @Test
  void whileTheApiServerIsKilledAgentsWorkOnAndWhatWasHeldIsDecidedAfterwards() throws IOException {
    // What kubectl exec has begun ends with the API server; these work by themselves.
    pod(
        "api-1",
        "while sleep 0.1; do psql -XAtqc \\\"INSERT INTO done (by) VALUES ('api-1')\\\""
            + " || echo failed; done");
    pod("api-2", "psql -Xc 'UPDATE counted SET n = n + 1 WHERE id = 801'; sleep infinity");
    try {
      String session = resources.session("api-1", CONNECTION);
      String request = resources.awaitRequest("where id = 801");
      await().atMost(SOON).until(() -> done("api-1", "true") > 5);
      int before = done("api-1", "true");
      cluster.restart("kube-apiserver");
      await().atMost(SOON).until(() -> done("api-1", "true") > before + 20);
      await()
          .atMost(SOON)
          .ignoreExceptions()
          .until(() -> cluster.apiOnce().get("/readyz").accepted());
      installation.awaitOperator();
      assertThat(resources.phase(request)).isEqualTo("Pending");
      assertThat(counted(801)).isZero();
      decide(request, "Approve");
      await().atMost(SOON).untilAsserted(() -> assertThat(counted(801)).isEqualTo(1));
      await().atMost(SOON).until(() -> resources.phase(request).equals("Used"));
      assertThat(logs("api-2")).contains("UPDATE 1");
      assertThat(logs("api-1")).doesNotContain("failed");
      for (String pod : List.of("api-1", "api-2")) {
        assertThat(gateway(pod).getRestartCount()).as(pod).isZero();
      }
      assertThat(resources.sessions("api-1", CONNECTION)).containsExactly(session);
      int after = done("api-1", "true");
      await()
          .atMost(SOON)
          .untilAsserted(() -> assertThat(recorded(session, DONE)).isGreaterThanOrEqualTo(after));
      assertVerifies(session, 4);
    } finally {
      delete("api-1");
      delete("api-2");
    }
  }

  private static String logs(String pod) {
    return installation.kubectl("--namespace", LOAD, "logs", pod, "--container=agent");
  }

  @Test
  void aDrainedNodeEndsAgentsWithAllOfTheirRecording() throws IOException {
    try (Agent agent = new Agent("drained-1")) {
      String session = resources.session("drained-1", CONNECTION);
      agent.client.send(JdbcAgent.REPEAT + "INSERT INTO done (by) VALUES ('drained-1')");
      await().atMost(SOON).until(() -> done("drained-1", "true") > 20);
      String node = installation.pod(LOAD, "drained-1").getSpec().getNodeName();
      drain(node, "app=load-agent");
      try {
        await().atMost(SOON).until(() -> resources.sessionPhase(session).equals("Ended"));
        int executed = done("drained-1", "true");
        await()
            .atMost(SOON)
            .untilAsserted(
                () -> assertThat(recorded(session, DONE)).isBetween(executed, executed + 1));
        assertVerifies(session, 0);
      } finally {
        installation.kubectl("uncordon", node);
      }
    }
  }

  @Test
  @TakesMinutes
  void whileOneReplicaIsDrainedPodsAreMadeAndNothingThatIsRecordedIsLost() throws IOException {
    try (Agent first = new Agent("replica-1");
        Agent second = new Agent("replica-2")) {
      List<String> sessions =
          List.of(
              resources.session("replica-1", CONNECTION),
              resources.session("replica-2", CONNECTION));
      first.client.send(JdbcAgent.REPEAT + COUNT);
      second.client.send(JdbcAgent.REPEAT + COUNT);
      String node = installation.pod(LOAD, "replica-1").getSpec().getNodeName();
      drain(node, "statefulset.kubernetes.io/pod-name=chaperone-operator-1");
      List<Answer> made = new ArrayList<>();
      try {
        for (int i = 0; i < 10; i++) {
          made.add(furtherPod());
          TimeUnit.SECONDS.sleep(1);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        installation.kubectl("uncordon", node);
      }
      assertThat(made).allSatisfy(UnderLoadNodeIT::assertAccepted);
      installation.awaitOperator();
      assertNothingLost(sessions.get(0), first);
      assertNothingLost(sessions.get(1), second);
    } finally {
      deleteFurtherPods();
    }
  }

  private static void drain(String node, String selector) {
    installation.kubectl(
        "drain",
        node,
        "--force",
        "--ignore-daemonsets",
        "--delete-emptydir-data",
        "--timeout=50s",
        "--pod-selector=" + selector);
  }

  @Test
  @TakesMinutes
  void aNodeThatLosesItsPowerLosesNothingThatIsOlderThanTheDisksDelay() throws IOException {
    try (Agent agent = new Agent("power-1")) {
      String session = resources.session("power-1", CONNECTION);
      agent.client.send(JdbcAgent.REPEAT + "INSERT INTO done (by) VALUES ('power-1')");
      await().atMost(SOON).until(() -> done("power-1", "true") > 50);
      cluster.loseAndRegainPower();
      installation.awaitReady(Installation.SHOP, CONNECTION);
      installation.awaitOperator();
      await().atMost(SOON).until(() -> gateway("power-1").getRestartCount() > 0);
      awaitServed("power-1");
      String late = ON_DISK.toMillis() + " milliseconds";
      int all = done("power-1", "true");
      int old = done("power-1", "at < (SELECT max(at) FROM done) - interval '" + late + "'");
      await()
          .atMost(SOON)
          .untilAsserted(() -> assertThat(recorded(session, DONE)).isGreaterThanOrEqualTo(old));
      assertVerifies(session, 4);
      System.out.printf(
          "FIGURE node killed: %d executed, %d of them not recorded%n",
          all, all - recorded(session, DONE));
    }
  }

  /** How often that agent has executed it. */
  private static int done(String by, String which) {
    return Integer.parseInt(
        installation.administer(
            "orders", "SELECT count(*) FROM done WHERE by = '" + by + "' AND " + which));
  }

  // ---- what waits

  @Test
  void whatAPodThatIsDeletedWaitedForIsNotExecutedAndNotForItsSuccessorEither() throws IOException {
    String request;
    try (Agent agent = new Agent("held-1")) {
      agent.client.send("UPDATE counted SET n = n + 1 WHERE id = 901");
      request = resources.awaitRequest("where id = 901");
    }
    await()
        .atMost(SOON)
        .untilAsserted(() -> assertThat(resources.phase(request)).isEqualTo("Cancelled"));
    assertThat(patchDecision(request, "Approve").accepted()).isFalse();
    try (Agent successor = new Agent("held-1")) {
      assertThat(counted(901)).isZero();
      successor.client.send("UPDATE counted SET n = n + 1 WHERE id = 901");
      assertThat(resources.awaitRequest("where id = 901")).isNotEqualTo(request);
      assertThat(successor.client.waits()).isTrue();
      assertThat(counted(901)).isZero();
    }
  }

  // ---- many

  @Test
  @TakesMinutes
  void manyAgentsThatStartAtOnceAreAllGuardedAndServed() throws IOException {
    long begin = System.nanoTime();
    installation.apply(
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: many, namespace: load}
        spec:
          replicas: %d
          selector: {matchLabels: {crowd: many}}
          template:
            metadata: {labels: {crowd: many, app: load-agent}}
            spec:
              serviceAccountName: load-agent
              terminationGracePeriodSeconds: 5
              securityContext: {runAsNonRoot: true, runAsUser: 1000}
              containers:
              - name: agent
                image: %s
                imagePullPolicy: Never
                command: [sleep, infinity]
                securityContext: {allowPrivilegeEscalation: false}
        """
            .formatted(PODS, Installation.EXAMPLE_IMAGE));
    try {
      await()
          .atMost(SOON.plus(A_GATEWAY.multipliedBy(PODS)))
          .untilAsserted(
              () ->
                  assertThat(crowd())
                      .hasSize(PODS)
                      .allMatch(Readiness.getInstance()::isReady)
                      .allMatch(UnderLoadNodeIT::isGuarded));
      System.out.printf(
          "FIGURE %d agents made -> all Ready: %.1f s%n", PODS, (System.nanoTime() - begin) / 1e9);
      for (Pod pod : crowd()) {
        resources.session(pod.getMetadata().getName(), CONNECTION);
      }
      for (Pod pod : crowd().subList(0, 3)) {
        try (AgentClient client =
            AgentClient.psql(cluster, LOAD, pod.getMetadata().getName()).connected()) {
          assertThat(client.say(COUNT)).containsExactly("400");
        }
      }
    } finally {
      cluster.kubectl("--namespace", LOAD, "delete", "deployment", "many");
      await().atMost(SOON).until(() -> crowd().isEmpty());
    }
  }

  private static List<Pod> crowd() {
    return cluster.client().pods().inNamespace(LOAD).withLabel("crowd", "many").list().getItems();
  }

  // ---- the leader

  @Test
  @TakesMinutes
  void whileLeadersAreKilledNothingIsLostNothingIsDecidedTwiceAndNoPodIsUnguarded()
      throws Exception {
    try (Agent first = new Agent("leader-1");
        Agent second = new Agent("leader-2");
        Agent asks = new Agent("leader-3")) {
      List<String> sessions =
          List.of(
              resources.session("leader-1", CONNECTION), resources.session("leader-2", CONNECTION));
      first.client.send(JdbcAgent.REPEAT + COUNT);
      second.client.send(JdbcAgent.REPEAT + COUNT);
      AtomicBoolean goesOn = new AtomicBoolean(true);
      CompletableFuture<Integer> approvals =
          CompletableFuture.supplyAsync(() -> ask(asks.client, goesOn));
      CompletableFuture<Integer> editions = CompletableFuture.supplyAsync(() -> edit(goesOn));
      CompletableFuture<Integer> pods = CompletableFuture.supplyAsync(() -> makePods(goesOn));
      int kills = 0;
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      while (System.nanoTime() < end) {
        killLeader();
        kills++;
        TimeUnit.NANOSECONDS.sleep(BETWEEN_KILLS.toNanos());
      }
      goesOn.set(false);
      int asked = approvals.join();
      int edition = editions.join();
      int accepted = pods.join();
      installation.awaitOperator();
      System.out.printf(
          "FIGURE leader killed %d times in %d s: %d requests decided, %d editions of a policy,"
              + " %d pods made%n",
          kills, SECONDS, asked, edition, accepted);

      assertThat(asked).as("requests that were decided").isPositive();
      for (int id = 1; id <= asked; id++) {
        assertThat(counted(id)).as("row " + id).isEqualTo(isApproved(id) ? 1 : 0);
      }
      assertThat(counted(asked + 1)).isZero();
      List<JsonNode> requests =
          resources
              .list("approvalrequests")
              .filter(one -> one.at("/spec/request/requester/pod").asText().equals("leader-3"))
              .toList();
      await()
          .atMost(SOON)
          .untilAsserted(
              () ->
                  assertThat(requests.stream().map(one -> one.at("/metadata/name").asText()))
                      .hasSize(asked)
                      .allMatch(name -> List.of("Used", "Denied").contains(resources.phase(name))));
      assertThat(requests).allSatisfy(one -> assertThat(one.at("/status/decisions")).hasSize(1));

      await()
          .atMost(SOON)
          .untilAsserted(
              () ->
                  assertThat(asks.client.say("SELECT count(*) FROM cards").get(0))
                      .contains("ERROR: edition " + edition + " "));
      assertThat(accepted).as("pods that were made meanwhile").isPositive();
      assertThat(cluster.client().pods().inNamespace(LOAD).list().getItems())
          .hasSizeGreaterThan(accepted)
          .allMatch(UnderLoadNodeIT::isGuarded);
      assertNothingLost(sessions.get(0), first);
      assertNothingLost(sessions.get(1), second);
    } finally {
      deleteFurtherPods();
    }
  }

  /** Asks and decides; every third is denied. Returns how many. */
  private static int ask(AgentClient client, AtomicBoolean goesOn) {
    int id = 0;
    while (goesOn.get() && id < ROWS / 2) {
      id++;
      client.send("UPDATE counted SET n = n + 1 WHERE id = " + id);
      String request = resources.awaitRequest("where id = " + id);
      decide(request, isApproved(id) ? "Approve" : "Deny");
      assertThat(client.answer().get(0)).startsWith(isApproved(id) ? "updated 1" : "ERROR 42501 ");
    }
    return id;
  }

  private static boolean isApproved(int id) {
    return id % 3 != 0;
  }

  /** Changes what a rule says. Returns the last edition. */
  private static int edit(AtomicBoolean goesOn) {
    int edition = 0;
    while (goesOn.get()) {
      edition++;
      String patch =
          "[{\"op\": \"replace\", \"path\": \"/spec/rules/0/message\", \"value\": \"edition %d\"}]"
              .formatted(edition);
      await()
          .atMost(SOON)
          .ignoreExceptions()
          .until(
              () ->
                  cluster
                      .api()
                      .patch(resources.path("accesspolicies") + "/editions", Api.JSON_PATCH, patch)
                      .accepted());
      pause(3);
    }
    return edition;
  }

  /** Returns how many were accepted; while no replica answers none is. */
  private static int makePods(AtomicBoolean goesOn) {
    int accepted = 0;
    while (goesOn.get()) {
      if (furtherPod().accepted()) {
        accepted++;
      }
      pause(2);
    }
    return accepted;
  }

  private static void pause(int seconds) {
    try {
      TimeUnit.SECONDS.sleep(seconds);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Kills the process that leads, and has its pod made anew, so that nothing waits for it. */
  private static void killLeader() {
    String leader =
        cluster
            .api()
            .get(
                "/apis/coordination.k8s.io/v1/namespaces/"
                    + Installation.SYSTEM
                    + "/leases/chaperone-operator")
            .body()
            .at("/spec/holderIdentity")
            .asText();
    Pod pod = installation.pod(Installation.SYSTEM, leader);
    if (pod == null || !Readiness.getInstance().isReady(pod)) {
      // It was killed just now, and nobody else leads yet.
      return;
    }
    cluster.inNode("kill", "-9", process(pod, "operator"));
    installation.kubectl(
        "--namespace",
        Installation.SYSTEM,
        "delete",
        "pod",
        leader,
        "--grace-period=0",
        "--force",
        "--wait=false");
  }

  // ---- what all of them need

  /** A pod with a client that is connected. */
  private static final class Agent implements AutoCloseable {
    private final String pod;
    private final AgentClient client;

    Agent(String pod) throws IOException {
      this.pod = pod;
      pod(pod, "sleep infinity");
      client = AgentClient.jdbc(cluster, LOAD, pod).connected();
    }

    @Override
    public void close() {
      client.close();
      delete(pod);
    }
  }

  /** A pod with a gateway, that is ready. */
  private static void pod(String name, String script) throws IOException {
    installation.apply(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: %s, namespace: load, labels: {app: load-agent}}
        spec:
          serviceAccountName: load-agent
          terminationGracePeriodSeconds: 5
          securityContext: {runAsNonRoot: true, runAsUser: 1000}
          containers:
          - name: agent
            image: %s
            imagePullPolicy: Never
            command: [sh, -c, "%s"]
            securityContext: {allowPrivilegeEscalation: false}
        """
            .formatted(name, Installation.EXAMPLE_IMAGE, script));
    installation.awaitReady(LOAD, name);
  }

  private static void delete(String pod) {
    cluster.kubectl(
        "--namespace", LOAD, "delete", "pod", pod, "--ignore-not-found", "--timeout=50s");
    await().atMost(SOON).until(() -> installation.pod(LOAD, pod) == null);
  }

  /** An agent that no node runs. */
  private static Answer furtherPod() {
    return cluster
        .apiOnce()
        .create(
            "/api/v1/namespaces/load/pods",
            """
            apiVersion: v1
            kind: Pod
            metadata: {generateName: further-, labels: {app: load-agent, further: "yes"}}
            spec:
              serviceAccountName: load-agent
              nodeSelector: {node: none}
              securityContext: {runAsNonRoot: true, runAsUser: 1000}
              containers:
              - name: agent
                image: agent:1
                securityContext: {allowPrivilegeEscalation: false}
            """);
  }

  private static void deleteFurtherPods() {
    cluster.kubectl(
        "--namespace", LOAD, "delete", "pods", "--selector=further=yes", "--grace-period=0");
  }

  private static void assertAccepted(Answer answer) {
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  private static boolean isGuarded(Pod pod) {
    return pod.getSpec().getInitContainers().stream()
        .anyMatch(container -> container.getName().equals(GATEWAY));
  }

  private static ContainerStatus gateway(String pod) {
    return installation.pod(LOAD, pod).getStatus().getInitContainerStatuses().get(0);
  }

  private static String process(String pod, String container) {
    return process(installation.pod(LOAD, pod), container);
  }

  /** The number of its first process, as the node counts them. */
  private static String process(Pod pod, String container) {
    String id = container(pod, container);
    Matcher tasks = TASK.matcher(cluster.inNode("ctr", "--namespace", "k8s.io", "tasks", "ls"));
    while (tasks.find()) {
      if (tasks.group(1).equals(id)) {
        return tasks.group(2);
      }
    }
    throw new AssertionError(container + " does not run");
  }

  private static String container(Pod pod, String name) {
    return Stream.of(
            pod.getStatus().getInitContainerStatuses(), pod.getStatus().getContainerStatuses())
        .flatMap(List::stream)
        .filter(status -> status.getName().equals(name))
        .map(status -> status.getContainerID().replaceFirst(".*//", ""))
        .findFirst()
        .orElseThrow();
  }

  private static int operations(String session) {
    return resources.get("agentsessions", session).at("/status/operations/allowed").asInt();
  }

  private static int counted(int id) {
    return Integer.parseInt(
        installation.administer("orders", "SELECT n FROM counted WHERE id = " + id));
  }

  private static void decide(String request, String verdict) {
    await().atMost(SOON).ignoreExceptions().until(() -> patchDecision(request, verdict).accepted());
  }

  private static Answer patchDecision(String request, String verdict) {
    return cluster
        .apiAs(JANE)
        .patch(
            resources.path("approvalrequests") + "/" + request,
            Api.MERGE_PATCH,
            "{\"spec\": {\"decisions\": [{\"by\": \"%s\", \"verdict\": \"%s\"}]}}"
                .formatted(JANE, verdict));
  }

  private static int executed(List<String> said) {
    return said.stream()
        .map(EXECUTED::matcher)
        .filter(Matcher::matches)
        .mapToInt(line -> Integer.parseInt(line.group(1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError(said.toString()));
  }

  /**
   * Ends a client's repetition, of which nothing was refused, and looks for each in the recording.
   */
  private static void assertNothingLost(String session, Agent agent) {
    List<String> said = agent.client.say("");
    assertThat(said.toString()).contains(" refused 0 ");
    assertThat(gateway(agent.pod).getRestartCount()).isZero();
    int executed = executed(said);
    awaitRecorded(session, executed);
    assertThat(recorded(session, COUNT)).isEqualTo(executed);
    assertVerifies(session, 4);
  }

  /**
   * Until the store has all that a client was answered, and nothing besides but what was under way.
   */
  private static void awaitRecorded(String session, int executed) {
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> assertThat(recorded(session, COUNT)).isBetween(executed, executed + 1));
  }

  private static int recorded(String session, String statement) {
    return (int)
        replay(session).stream()
            .filter(event -> is(event, "operationRequested", statement))
            .count();
  }

  private static boolean is(JsonNode event, String type, String statement) {
    return event.path("type").asText().equals(type)
        && event.toString().toLowerCase(Locale.ROOT).contains(statement.toLowerCase(Locale.ROOT));
  }

  private static List<JsonNode> replay(String session) {
    Output output = chaperone("replay", session, "--json", "--as", READER);
    assertThat(output.exit()).as(output.err()).isZero();
    return output.out().lines().map(UnderLoadNodeIT::json).toList();
  }

  private static JsonNode json(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Exit code 0 is sealed, 4 has an end that is not. */
  private static void assertVerifies(String session, int exit) {
    Output output = chaperone("verify", session, "--as", READER);
    assertThat(output.exit()).as(output.toString()).isEqualTo(exit);
  }

  /** {@code kubectl chaperone}, as whoever {@code --as} says. */
  private static Output chaperone(String... command) {
    List<String> whole = new ArrayList<>(List.of("chaperone"));
    whole.addAll(List.of(command));
    return cluster.kubectlPluginIn(
        LOAD, plugins, Map.of("CHAPERONE_BUILD", "never"), whole.toArray(String[]::new));
  }
}
