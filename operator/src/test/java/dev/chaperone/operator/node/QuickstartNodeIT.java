package dev.chaperone.operator.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The product on a real node, from {@code helm install} to what an agent's own client is told: the
 * operator and the gateway in the images of this checkout, {@code examples/quickstart}, psql and
 * pgjdbc in agents' pods, PostgreSQL in another pod. Network policies are accepted by this node and
 * not enforced, so nothing here says that they hold.
 */
@UsesTestNode(withPostgresql = true)
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class QuickstartNodeIT {
  private static final String SUPPORT = "support";
  private static final String AGENT = "support-agent";
  private static final String SECOND = "second-agent";
  private static final String BILLING = "billing";
  private static final String BILLING_AGENT = "billing-agent";

  private static final String DBA = "dba";
  private static final String JANE = "jane@example.com";
  private static final String BOB = "bob@example.com";

  private static final Duration AWAY = Duration.ofSeconds(60);
  private static final Duration SOON = Installation.SOON;

  /** What a quick machine does within a second. A slow one is no failure of the product. */
  private static final Duration CLOSED = Duration.ofSeconds(20);

  private static TestCluster cluster;
  private static Installation installation;
  private static Resources support;
  private static Resources billing;

  @TempDir private static Path plugins;

  @BeforeAll
  static void install(TestCluster given) throws IOException {
    cluster = given;
    Files.createSymbolicLink(
        plugins.resolve("kubectl-chaperone"), Path.of("../chaperone").toRealPath());
    installation = new Installation(cluster);
    support = new Resources(cluster, SUPPORT);
    billing = new Resources(cluster, BILLING);
    installation.install();
    installation.quickstart();
    installation.anotherAgent(SECOND);
    billing();
    approvers();
    installation.awaitReady(SUPPORT, AGENT);
    installation.awaitReady(SUPPORT, SECOND);
    installation.awaitReady(BILLING, BILLING_AGENT);
  }

  /** Another team: two connections in one pod, and rules of its own. */
  private static void billing() throws IOException {
    installation.administer(
        "orders",
        "CREATE ROLE reports_app LOGIN PASSWORD 'first-password'",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reports_app");
    installation.namespace(BILLING);
    installation.apply(
        """
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: billing-agent, namespace: billing}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: orders-db, namespace: billing}
        stringData: {username: orders_app, password: change-me}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: reports-db, namespace: billing}
        stringData: {username: reports_app, password: first-password}
        ---
        apiVersion: chaperone.dev/v1alpha1
        kind: AgentConnection
        metadata: {name: orders-db, namespace: billing}
        spec:
          protocol: PostgreSQL
          target: {host: orders-db.shop.svc, port: 5432, database: orders, tls: {mode: Disable}}
          credentials: {secretRef: {name: orders-db}}
          agents: {podSelector: {matchLabels: {app: billing-agent}}}
          listen: {port: 15432}
          leaseSeconds: 15
        ---
        apiVersion: chaperone.dev/v1alpha1
        kind: AgentConnection
        metadata: {name: reports-db, namespace: billing}
        spec:
          protocol: PostgreSQL
          target: {host: orders-db.shop.svc, port: 5432, database: orders, tls: {mode: Disable}}
          credentials: {secretRef: {name: reports-db}}
          agents: {podSelector: {matchLabels: {app: billing-agent}}}
          listen: {port: 15433}
          environment: {prefix: REPORTS}
        ---
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: tickets, namespace: billing}
        spec:
          connections: [orders-db]
          subjects: [{kind: ServiceAccount, name: billing-agent}]
          rules: [{name: tickets, effects: [Read], resources: [public.tickets], action: Allow}]
        ---
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: reports, namespace: billing}
        spec:
          connections: [reports-db]
          subjects: [{kind: ServiceAccount, name: billing-agent}]
          rules: [{name: reads, effects: [Read], action: Allow}]
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: billing-agent, namespace: billing, labels: {app: billing-agent}}
        spec:
          serviceAccountName: billing-agent
          securityContext: {runAsNonRoot: true, runAsUser: 1000}
          containers:
          - name: agent
            image: %s
            imagePullPolicy: Never
            command: [sleep, infinity]
            securityContext: {allowPrivilegeEscalation: false}
        """
            .formatted(Installation.EXAMPLE_IMAGE));
  }

  /** Jane may decide, and so may, as far as RBAC goes, the agent itself; Bob may only write. */
  private static void approvers() throws IOException {
    installation.apply(
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: approvers, namespace: support}
        roleRef:
          apiGroup: rbac.authorization.k8s.io
          kind: ClusterRole
          name: chaperone-approver
        subjects:
        - {kind: User, name: jane@example.com, apiGroup: rbac.authorization.k8s.io}
        - {kind: ServiceAccount, name: support-agent}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: writer, namespace: support}
        rules:
        - apiGroups: [chaperone.dev]
          resources: [approvalrequests]
          verbs: [get, list, watch, patch]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: writers, namespace: support}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: writer}
        subjects: [{kind: User, name: bob@example.com, apiGroup: rbac.authorization.k8s.io}]
        """);
  }

  @AfterAll
  static void uninstall() {
    if (installation != null) {
      installation.close();
    }
  }

  @Test
  void theInstalledOperatorIsReadyTwiceAndItsWebhooksAreTrusted() {
    installation.awaitOperator();
    for (String kind : List.of("mutating", "validating")) {
      JsonNode webhooks =
          cluster
              .api()
              .get(
                  "/apis/admissionregistration.k8s.io/v1/"
                      + kind
                      + "webhookconfigurations/chaperone-pods")
              .body()
              .path("webhooks");
      assertThat(webhooks).isNotEmpty();
      assertThat(webhooks)
          .allSatisfy(one -> assertThat(one.at("/clientConfig/caBundle").asText()).isNotEmpty());
    }
  }

  @Test
  void psqlReadsWhatIsAllowedSeesMasksAndIsRefusedADrop() {
    try (AgentClient agent = AgentClient.psql(cluster, SUPPORT, AGENT).connected()) {
      assertQuickstart(agent, "ERROR:  42501: ");
    }
  }

  @Test
  void pgjdbcReadsWhatIsAllowedSeesMasksAndIsRefusedADrop() {
    try (AgentClient agent = AgentClient.jdbc(cluster, SUPPORT, AGENT).connected()) {
      assertQuickstart(agent, "ERROR 42501 ");
    }
  }

  private static void assertQuickstart(AgentClient agent, String refusal) {
    assertThat(agent.say("SELECT count(*) FROM orders")).containsExactly("400");
    assertThat(agent.say("SELECT name, email, ssn FROM customers ORDER BY id LIMIT 1"))
        .containsExactly("Ada Ahn|a***@example.com|****0613");
    assertThat(agent.say("DROP TABLE customers").get(0))
        .startsWith(refusal)
        .contains("Schema changes go through migrations.");
    assertThat(agent.say("SELECT count(*) FROM customers"))
        .as("the connection lives on, and so does the table")
        .containsExactly("40");
    assertThat(installation.administer("orders", "SELECT ssn FROM customers WHERE id = 1"))
        .as("what is masked is what is stored")
        .matches("[0-9]{3}-[0-9]{2}-0613");
  }

  @Test
  void whatIsHeldIsExecutedOnceSomebodyWhoMayDecideApproves() {
    try (AgentClient agent = AgentClient.psql(cluster, SUPPORT, AGENT).connected()) {
      agent.send("UPDATE orders SET status = 'returned' WHERE id = 13");
      String request = support.awaitRequest("where id = 13");
      assertThat(chaperone("requests", "--as", JANE).out()).contains(request, "other-writes");
      assertThat(installation.kubectl("--namespace", SUPPORT, "get", "approvalrequests", request))
          .contains("Pending", expiry(request))
          .doesNotContain("<invalid>");
      assertThat(status(13)).isNotEqualTo("returned");
      assertThat(agent.waits()).isTrue();
      Output approved = decide("approve", request, JANE);
      assertThat(approved.exit()).as(approved.toString()).isZero();
      assertThat(agent.answer()).contains("UPDATE 1");
      assertThat(status(13)).isEqualTo("returned");
      await()
          .atMost(SOON)
          .untilAsserted(() -> assertThat(support.phase(request)).as(request).isEqualTo("Used"));
    }
  }

  @Test
  void whoAskedAndWhoMayNotApproveDecideNothingAndADenialReachesTheClient() {
    try (AgentClient agent = AgentClient.jdbc(cluster, SUPPORT, AGENT).connected()) {
      agent.send("DELETE FROM orders WHERE id = 12");
      String request = support.awaitRequest("where id = 12");
      Output writer = decide("approve", request, BOB);
      assertThat(writer.exit()).as(writer.toString()).isEqualTo(1);
      assertThat(writer.err()).contains("approve");
      Output requester = decide("approve", request, "system:serviceaccount:support:support-agent");
      assertThat(requester.exit()).as(requester.toString()).isEqualTo(1);
      assertThat(support.phase(request)).isEqualTo("Pending");
      assertThat(agent.waits()).isTrue();
      Output denied = decide("deny", request, JANE);
      assertThat(denied.exit()).as(denied.toString()).isZero();
      assertThat(agent.answer())
          .singleElement()
          .asString()
          .startsWith("ERROR 42501 ")
          .contains("denied");
      assertThat(agent.say("SELECT count(*) FROM orders WHERE id = 12")).containsExactly("1");
    }
  }

  @Test
  void aRevokedSessionIsClosedAndStaysClosed() throws IOException {
    installation.anotherAgent("revoked-agent");
    installation.awaitReady(SUPPORT, "revoked-agent");
    try (AgentClient agent = AgentClient.jdbc(cluster, SUPPORT, "revoked-agent").connected();
        AgentClient other = AgentClient.jdbc(cluster, SUPPORT, AGENT).connected()) {
      String session = support.session("revoked-agent", "orders-db");
      agent.send(JdbcAgent.REPEAT + "SELECT 1");
      long begin = System.nanoTime();
      support.change("agentsessions", session, "{\"spec\":{\"revoked\":true}}");
      long stored = System.nanoTime();
      List<String> end = agent.answer();
      figure("revoked -> client closed", begin);
      figure("revoked and stored -> client closed", stored);
      assertThat(end.get(0)).startsWith("first ERROR 57P01 ");
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(CLOSED);
      assertThat(refusedLogin(SUPPORT, "revoked-agent", "")).contains("ERROR");
      assertThat(other.say("SELECT 1")).as("another agent's session").containsExactly("1");
      await()
          .atMost(SOON)
          .untilAsserted(() -> assertThat(support.sessionPhase(session)).isEqualTo("Revoked"));
    }
  }

  @Test
  void aSuspendedConnectionIsClosedAndServedAgainAfterwards() {
    try (AgentClient agent =
            AgentClient.jdbc(cluster, BILLING, BILLING_AGENT, "REPORTS_").connected();
        AgentClient other = AgentClient.jdbc(cluster, BILLING, BILLING_AGENT).connected()) {
      agent.send(JdbcAgent.REPEAT + "SELECT 1");
      long begin = System.nanoTime();
      billing.change("agentconnections", "reports-db", "{\"spec\":{\"suspended\":true}}");
      long stored = System.nanoTime();
      List<String> end = agent.answer();
      figure("suspended -> client closed", begin);
      figure("suspended and stored -> client closed", stored);
      assertThat(end.get(0)).startsWith("first ERROR 57P01 ");
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(CLOSED);
      assertThat(refusedLogin(BILLING, BILLING_AGENT, "REPORTS_")).contains("suspended");
      assertThat(other.say("SELECT count(*) FROM tickets"))
          .as("the pod's other connection")
          .isNotEmpty()
          .noneMatch(line -> line.contains("ERROR"));
    } finally {
      billing.change("agentconnections", "reports-db", "{\"spec\":{\"suspended\":false}}");
    }
    await()
        .atMost(SOON)
        .untilAsserted(
            () ->
                AgentClient.jdbc(cluster, BILLING, BILLING_AGENT, "REPORTS_").connected().close());
  }

  @Test
  void anEditOfAPolicyHoldsForAConnectionThatIsOpen() {
    String policy = "/apis/chaperone.dev/v1alpha1/namespaces/support/accesspolicies/support-agents";
    try (AgentClient agent = AgentClient.psql(cluster, SUPPORT, SECOND).connected()) {
      assertThat(agent.say("SELECT count(*) FROM cards")).containsExactly("40");
      long begin = System.nanoTime();
      accepted(
          cluster
              .api()
              .patch(
                  policy,
                  Api.JSON_PATCH,
                  """
                  [{"op": "add", "path": "/spec/rules/0", "value": {"name": "no-cards",
                    "effects": ["Read"], "resources": ["public.cards"], "action": "Deny",
                    "message": "Not today."}}]
                  """));
      long stored = System.nanoTime();
      try {
        await()
            .atMost(SOON)
            .pollInterval(Duration.ofMillis(50))
            .untilAsserted(
                () ->
                    assertThat(agent.say("SELECT count(*) FROM cards").get(0))
                        .contains("42501: Not today."));
        figure("policy edited -> enforced", begin);
        figure("policy stored -> enforced", stored);
      } finally {
        accepted(
            cluster
                .api()
                .patch(
                    policy, Api.JSON_PATCH, "[{\"op\": \"remove\", \"path\": \"/spec/rules/0\"}]"));
      }
      await()
          .atMost(SOON)
          .untilAsserted(
              () -> assertThat(agent.say("SELECT count(*) FROM cards")).containsExactly("40"));
    }
  }

  @Test
  void aRotatedCredentialIsUsedWithoutARestart() {
    try (AgentClient open =
        AgentClient.jdbc(cluster, BILLING, BILLING_AGENT, "REPORTS_").connected()) {
      installation.administer("orders", "ALTER ROLE reports_app PASSWORD 'second-password'");
      assertThat(refusedLogin(BILLING, BILLING_AGENT, "REPORTS_"))
          .as("the old credential is not good any more, and no client is told it")
          .contains("ERROR")
          .doesNotContain("first-password");
      long begin = System.nanoTime();
      accepted(
          cluster
              .api()
              .patch(
                  "/api/v1/namespaces/billing/secrets/reports-db",
                  Api.MERGE_PATCH,
                  "{\"stringData\":{\"password\":\"second-password\"}}"));
      await()
          .atMost(SOON)
          .untilAsserted(
              () ->
                  AgentClient.jdbc(cluster, BILLING, BILLING_AGENT, "REPORTS_")
                      .connected()
                      .close());
      figure("Secret rotated -> used (kubelet's sync included)", begin);
      assertThat(open.say("SELECT count(*) FROM orders")).containsExactly("400");
      assertThat(restarts(BILLING, BILLING_AGENT)).isZero();
    }
  }

  @Test
  void connectionsOfOnePodAndNamespacesHaveEachTheirOwnRules() {
    try (AgentClient tickets = AgentClient.jdbc(cluster, BILLING, BILLING_AGENT).connected();
        AgentClient reports =
            AgentClient.jdbc(cluster, BILLING, BILLING_AGENT, "REPORTS_").connected();
        AgentClient support = AgentClient.psql(cluster, SUPPORT, SECOND).connected()) {
      String ssn = "SELECT ssn FROM customers WHERE id = 1";
      assertThat(tickets.say("SELECT count(*) > 0 FROM tickets")).containsExactly("t");
      assertThat(tickets.say(ssn).get(0)).startsWith("ERROR 42501 ");
      assertThat(reports.say(ssn)).containsExactly("901-07-0613");
      assertThat(reports.say("DELETE FROM tickets").get(0)).startsWith("ERROR 42501 ");
      assertThat(support.say(ssn)).containsExactly("****0613");
    }
  }

  @Test
  void eachAgentHasASessionOfItsOwn() throws IOException {
    // One that no other test makes busy: what a session did is told seconds later.
    installation.anotherAgent("quiet-agent");
    installation.awaitReady(SUPPORT, "quiet-agent");
    String first = support.session("quiet-agent", "orders-db");
    String second = support.session(SECOND, "orders-db");
    assertThat(first).isNotEqualTo(second);
    int before = operations(first);
    try (AgentClient agent = AgentClient.psql(cluster, SUPPORT, SECOND).connected()) {
      int own = operations(second);
      agent.say("SELECT 1");
      await().atMost(SOON).untilAsserted(() -> assertThat(operations(second)).isGreaterThan(own));
    }
    assertThat(operations(first)).isEqualTo(before).isZero();
    assertThat(support.get("agentsessions", second).at("/spec/identity/serviceAccount").asText())
        .isEqualTo("support-agent");
  }

  @Test
  void aJobWithAGatewayCompletesAndItsSessionEnds() throws IOException {
    installation.apply(
        """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: report, namespace: support}
        spec:
          backoffLimit: 0
          template:
            metadata: {labels: {app: support-agent}}
            spec:
              serviceAccountName: support-agent
              restartPolicy: Never
              securityContext: {runAsNonRoot: true, runAsUser: 1000}
              containers:
              - name: agent
                image: %s
                imagePullPolicy: Never
                command: [psql, -XAtc, SELECT count(*) FROM orders]
                securityContext: {allowPrivilegeEscalation: false}
        """
            .formatted(Installation.EXAMPLE_IMAGE));
    await()
        .atMost(SOON)
        .untilAsserted(
            () ->
                assertThat(
                        cluster
                            .api()
                            .get("/apis/batch/v1/namespaces/support/jobs/report")
                            .body()
                            .at("/status/succeeded")
                            .asInt())
                    .isOne());
    Pod pod =
        cluster
            .client()
            .pods()
            .inNamespace(SUPPORT)
            .withLabel("job-name", "report")
            .list()
            .getItems()
            .get(0);
    String name = pod.getMetadata().getName();
    assertThat(installation.kubectl("--namespace", SUPPORT, "logs", name).strip()).isEqualTo("400");
    assertThat(pod.getStatus().getInitContainerStatuses().get(0).getState().getTerminated())
        .isNotNull();
    await()
        .atMost(SOON)
        .untilAsserted(
            () ->
                assertThat(
                        support
                            .get("agentsessions", support.session(name, "orders-db"))
                            .at("/status/phase")
                            .asText())
                    .isEqualTo("Ended"));
  }

  @Test
  @Tag("long")
  @TakesMinutes
  void whileNoOperatorRunsWhatIsHeldStaysHeldLeasesEndAndAfterwardsAllGoesOn() throws Exception {
    String session = support.session(AGENT, "orders-db");
    try (AgentClient load = AgentClient.jdbc(cluster, SUPPORT, AGENT).connected();
        AgentClient lease = AgentClient.jdbc(cluster, BILLING, BILLING_AGENT).connected();
        AgentClient held = AgentClient.psql(cluster, SUPPORT, SECOND).connected()) {
      held.send("UPDATE orders SET status = 'returned' WHERE id = 21");
      String request = support.awaitRequest("where id = 21");
      load.send(JdbcAgent.REPEAT + "SELECT count(*) FROM orders");
      lease.send(JdbcAgent.REPEAT + "SELECT count(*) FROM tickets");
      long gone = System.nanoTime();
      scale(0);
      try {
        // It returns when their processes are gone, which a forced deletion would not wait for.
        installation.kubectl(
            "--namespace",
            Installation.SYSTEM,
            "delete",
            "pods",
            "--selector=app.kubernetes.io/component=operator",
            "--grace-period=1",
            "--ignore-not-found");
        await()
            .atMost(SOON)
            .untilAsserted(
                () -> assertThat(newPod().message()).contains("guarded.pods.chaperone.dev"));
        Output decided = decide("approve", request, JANE);
        assertThat(decided.exit()).as(decided.toString()).isEqualTo(1);
        assertThat(decided.err()).contains("the decision stands");
        assertThat(held.waits()).isTrue();
        TimeUnit.NANOSECONDS.sleep(AWAY.toNanos() - (System.nanoTime() - gone));
        assertThat(held.waits()).as("nobody has counted the approval yet").isTrue();
        assertThat(status(21)).isNotEqualTo("returned");
        List<String> ended = lease.say("");
        assertThat(ended.get(0)).startsWith("first ERROR ").contains("operator");
      } finally {
        scale(2);
      }
      installation.awaitOperator();
      assertThat(held.answer()).contains("UPDATE 1");
      assertThat(load.say("").toString())
          .as("the lease of this connection is longer")
          .contains(" refused 0 ");
      await()
          .atMost(SOON)
          .untilAsserted(
              () -> assertThat(lease.say("SELECT count(*) > 0 FROM tickets")).containsExactly("t"));
      await().atMost(SOON).untilAsserted(() -> accepted(newPod()));
      figure("no operator for 60 s -> all of it as before", gone);
    }
    assertThat(restarts(SUPPORT, AGENT) + restarts(SUPPORT, SECOND)).isZero();
    assertThat(restarts(BILLING, BILLING_AGENT)).isZero();
    assertThat(support.session(AGENT, "orders-db")).isEqualTo(session);
    assertThat(support.sessionPhase(session)).isEqualTo("Active");
  }

  @Test
  @Tag("long")
  void whileTheOperatorIsRolledOutAnewNoPodWaitsAndNoSessionEnds() {
    String session = support.session(AGENT, "orders-db");
    try (AgentClient load = AgentClient.jdbc(cluster, SUPPORT, AGENT).connected()) {
      load.send(JdbcAgent.REPEAT + "SELECT count(*) FROM orders");
      String before = operatorPods();
      installation.kubectl(
          "--namespace",
          Installation.SYSTEM,
          "rollout",
          "restart",
          "deployment/chaperone-operator");
      List<Answer> made = new ArrayList<>();
      await()
          .atMost(SOON)
          .pollInterval(Duration.ofMillis(250))
          .untilAsserted(
              () -> {
                made.add(newPod());
                assertThat(operatorPods().split(",")).hasSize(2).doesNotContain(before.split(","));
              });
      installation.awaitOperator();
      made.add(newPod());
      assertThat(made).hasSizeGreaterThan(5).allSatisfy(QuickstartNodeIT::accepted);
      List<String> answer = load.say("");
      assertThat(answer.toString()).contains(" refused 0 ");
      System.out.println(
          "FIGURE rolling restart: " + made.size() + " pods judged, load " + answer.get(0));
    }
    assertThat(restarts(SUPPORT, AGENT)).isZero();
    assertThat(support.session(AGENT, "orders-db")).isEqualTo(session);
    assertThat(support.sessionPhase(session)).isEqualTo("Active");
  }

  @Test
  void theTimeUntilAnAgentIsReadyIsMeasuredWithAndWithoutAGateway() throws IOException {
    for (int i = 1; i <= 3; i++) {
      String with = "with-" + i;
      long begin = System.nanoTime();
      installation.anotherAgent(with);
      awaitReadyClosely(with);
      figure("pod made -> Ready, with the gateway", begin);
      String without = "without-" + i;
      begin = System.nanoTime();
      installation.anotherAgent(without, "no-agent");
      awaitReadyClosely(without);
      figure("pod made -> Ready, without the gateway", begin);
      assertThat(installation.pod(SUPPORT, with).getSpec().getInitContainers()).hasSize(1);
      assertThat(installation.pod(SUPPORT, without).getSpec().getInitContainers()).isEmpty();
      cluster.kubectl("--namespace", SUPPORT, "delete", "pod", with, without, "--wait=false");
    }
  }

  private static void awaitReadyClosely(String name) {
    await()
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(50))
        .until(() -> Readiness.getInstance().isReady(installation.pod(SUPPORT, name)));
  }

  /** Printed for whoever reads the log; nothing depends on it. */
  private static void figure(String what, long begin) {
    System.out.printf("FIGURE %s: %.2f s%n", what, (System.nanoTime() - begin) / 1e9);
  }

  /** What the API server says of a further agent, which is not stored. */
  private static Answer newPod() {
    return cluster
        .apiOnce()
        .create(
            "/api/v1/namespaces/support/pods?dryRun=All",
            """
            apiVersion: v1
            kind: Pod
            metadata: {generateName: further-, labels: {app: support-agent}}
            spec:
              serviceAccountName: support-agent
              securityContext: {runAsNonRoot: true, runAsUser: 1000}
              containers:
              - name: agent
                image: agent:1
                securityContext: {allowPrivilegeEscalation: false}
            """);
  }

  private static void accepted(Answer answer) {
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  private static void scale(int replicas) {
    installation.kubectl(
        "--namespace",
        Installation.SYSTEM,
        "scale",
        "deployment/chaperone-operator",
        "--replicas=" + replicas);
  }

  private static String operatorPods() {
    return String.join(
        ",",
        cluster
            .client()
            .pods()
            .inNamespace(Installation.SYSTEM)
            .withLabel("app.kubernetes.io/component", "operator")
            .list()
            .getItems()
            .stream()
            .map(pod -> pod.getMetadata().getName())
            .toList());
  }

  private static int restarts(String namespace, String pod) {
    return Stream.of(
            installation.pod(namespace, pod).getStatus().getInitContainerStatuses(),
            installation.pod(namespace, pod).getStatus().getContainerStatuses())
        .flatMap(List::stream)
        .mapToInt(ContainerStatus::getRestartCount)
        .sum();
  }

  /** What a new client of that connection is told. */
  private static String refusedLogin(String namespace, String pod, String prefix) {
    try (AgentClient client = AgentClient.jdbc(cluster, namespace, pod, prefix)) {
      return client.answer().toString();
    }
  }

  private static int operations(String session) {
    return support.get("agentsessions", session).at("/status/operations/allowed").asInt();
  }

  private static String expiry(String request) {
    return support.get("approvalrequests", request).at("/spec/request/expiresAt").asText();
  }

  private static String status(int order) {
    return installation.administer("orders", "SELECT status FROM orders WHERE id = " + order);
  }

  private static Output decide(String verb, String request, String user) {
    return chaperone(verb, request, "-m", "seen", "--as", user, "--as-group", DBA);
  }

  /** {@code kubectl chaperone}, as whoever {@code --as} says. */
  private static Output chaperone(String... command) {
    List<String> whole = new ArrayList<>(List.of("chaperone"));
    whole.addAll(List.of(command));
    return cluster.kubectlPluginIn(
        SUPPORT, plugins, Map.of("CHAPERONE_BUILD", "never"), whole.toArray(String[]::new));
  }
}
