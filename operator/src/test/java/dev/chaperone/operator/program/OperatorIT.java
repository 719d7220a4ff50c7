package dev.chaperone.operator.program;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chaperone.operator.certificates.CertificateSettings;
import dev.chaperone.operator.injection.InjectionSettings;
import dev.chaperone.operator.injection.InjectionSettings.OperatorAddress;
import dev.chaperone.operator.injection.InjectionSettings.PullPolicy;
import dev.chaperone.operator.injection.InjectionSettings.Resources;
import dev.chaperone.operator.injection.OperatorAuthority;
import dev.chaperone.operator.store.ObjectSettings;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import dev.chaperone.operator.webhook.AdmissionLimits;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** All that a replica does for the API server, asked by a real one. */
@UsesTestCluster(onThisMachine = true)
class OperatorIT {
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private static TestCluster cluster;
  private static KubernetesClient client;
  private static String namespace;
  private static String other;
  private static Vertx vertx;
  private static MeterRegistry metrics;
  private static OperatorServer server;
  private static WebhookConfigurations configurations;

  private static OperatorSettings settings(int port) {
    String host = "chaperone-operator." + namespace + ".svc";
    return new OperatorSettings(
        namespace,
        "operator-0",
        new InjectionSettings(
            "registry.example/chaperone/sidecar:0.1.0",
            PullPolicy.IF_NOT_PRESENT,
            InjectionSettings.DEFAULT_UID,
            Resources.DEFAULT,
            new OperatorAddress(host, 8444),
            new OperatorAuthority.Inline("-----BEGIN CERTIFICATE-----\n"),
            "1024Mi",
            "32Mi"),
        port,
        namespace,
        0,
        CertificateSettings.standard(List.of("127.0.0.1", host)),
        new AdmissionLimits(
            64, 32, 16 << 20, 8, Duration.ofSeconds(20), Duration.ofSeconds(25), Duration.ZERO),
        Duration.ofDays(7),
        Duration.ofDays(30),
        Optional.empty(),
        Optional.empty(),
        new ObjectSettings(Duration.ofMinutes(5), Duration.ofHours(24)),
        Optional.empty());
  }

  @BeforeAll
  static void start(TestCluster own) throws IOException, InterruptedException {
    cluster = own;
    client = own.client();
    namespace = own.namespace();
    other = namespace + "-other";
    own.applyCustomResourceDefinitions();
    client
        .namespaces()
        .resource(new NamespaceBuilder().withNewMetadata().withName(other).endMetadata().build())
        .create();
    vertx = Vertx.vertx();
    metrics = new SimpleMeterRegistry();
    server =
        OperatorServer.start(
            vertx, client, settings(0), metrics, Optional.empty(), Optional.empty());
    configurations =
        new WebhookConfigurations(client, namespace, namespace, other, server.webhookPort());
    own.createServiceAccount("agent");
    own.createServiceAccount("reader");
    // Somebody who may write connections, and use one Secret.
    apply(
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: author}
        rules:
        - {apiGroups: [chaperone.dev], resources: ["*"], verbs: ["*"]}
        - {apiGroups: [""], resources: [secrets], resourceNames: [usable], verbs: [use]}
        """,
        "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/roles");
    apply(
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: author}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: author}
        subjects: [{kind: User, name: author, apiGroup: rbac.authorization.k8s.io}]
        """,
        "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/rolebindings");
    apply(
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: reader}
        rules:
        - {apiGroups: [""], resources: [secrets], verbs: [list]}
        """,
        "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/roles");
    apply(
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: reader}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
        subjects: [{kind: ServiceAccount, name: reader}]
        """,
        "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/rolebindings");
    // A configuration takes effect a little later.
    Awaitility.await()
        .atMost(PATIENCE)
        .until(
            () ->
                connect(cluster.api(), "probe", "usable", 15430, "probe", "MySQL")
                    .message()
                    .contains("Chaperone refuses AgentConnection probe"));
    apply(
        connection("orders-db", "usable", 15432, "orders", "PostgreSQL"), path("agentconnections"));
  }

  @AfterAll
  static void stop() {
    if (configurations != null) {
      configurations.close();
    }
    if (server != null) {
      server.close();
    }
    if (vertx != null) {
      vertx.close().toCompletionStage().toCompletableFuture().join();
    }
    client.namespaces().withName(other).delete();
  }

  private static void apply(String yaml, String path) {
    Answer answer = cluster.api().create(path, yaml);
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  private static String path(String plural) {
    return "/apis/chaperone.dev/v1alpha1/namespaces/" + namespace + "/" + plural;
  }

  private static String connection(
      String name, String secret, int port, String app, String protocol) {
    return """
    apiVersion: chaperone.dev/v1alpha1
    kind: AgentConnection
    metadata: {name: %s}
    spec:
      protocol: %s
      target: {host: db.example, port: 5432, database: orders}
      credentials: {secretRef: {name: %s}}
      agents: {podSelector: {matchLabels: {app: %s}}}
      listen: {port: %d}
    """
        .formatted(name, protocol, secret, app, port);
  }

  private static Answer connect(
      Api api, String name, String secret, int port, String app, String protocol) {
    return api.create(
        path("agentconnections") + "?dryRun=All", connection(name, secret, port, app, protocol));
  }

  private static Answer createPod(String in, String name, String app, String account, String more) {
    return cluster
        .api()
        .create(
            "/api/v1/namespaces/" + in + "/pods",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: %s, labels: {app: %s}}
            spec:
              serviceAccountName: %s
              containers: [{name: agent, image: "agent:1"}]
            %s
            """
                .formatted(name, app, account, more.isEmpty() ? "" : "  " + more));
  }

  private static double count(String name, String... tags) {
    return metrics.find(name).tags(tags).meters().stream()
        .mapToDouble(
            meter ->
                StreamSupport.stream(meter.measure().spliterator(), false)
                    .findFirst()
                    .orElseThrow()
                    .getValue())
        .sum();
  }

  @Test
  void aPodThatAStoredConnectionSelectsGetsAGatewayThatKnowsTheOperator() {
    Answer answer = createPod(namespace, "injected", "orders", "agent", "");
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
    JsonNode gateway = answer.body().at("/spec/initContainers/0");
    assertThat(gateway.path("name").asText()).isEqualTo("chaperone");
    assertThat(gateway.path("env"))
        .anySatisfy(
            variable -> {
              assertThat(variable.path("name").asText()).isEqualTo("CHAPERONE_CA");
              assertThat(variable.path("value").asText()).isEqualTo(server.authorities());
            });
    awaitEvent("GatewayInjected", "the gateway was put into pod injected for orders-db");
    assertThat(count("chaperone.injections", "outcome", "injected")).isPositive();
    assertThat(
            count("chaperone.admission", "path", OperatorServer.MUTATE_PODS, "outcome", "patched"))
        .isPositive();
  }

  @Test
  void aPodThatIsNoAgentIsLeftAlone() {
    Answer answer = createPod(namespace, "other", "shop", "agent", "");
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
    assertThat(answer.body().at("/spec/initContainers").isMissingNode()).isTrue();
  }

  @Test
  void aRefusalSaysWhyAndLeavesAnEvent() {
    Answer answer = createPod(namespace, "refused", "orders", "agent", "hostPID: true");
    assertThat(answer.code()).isEqualTo(403);
    assertThat(answer.message()).contains("Chaperone refuses this pod").contains("hostPID");
    awaitEvent("HostPid", "Chaperone refuses this pod");
    assertThat(count("chaperone.injections", "outcome", "refused")).isPositive();
  }

  @Test
  void aPodWhoseServiceAccountMayReadTheCredentialIsRefusedUnlessTheConnectionSaysOtherwise() {
    Answer answer = createPod(namespace, "privileged", "orders", "reader", "");
    assertThat(answer.code()).isEqualTo(403);
    assertThat(answer.message())
        .contains("service account reader may read Secret usable")
        .contains("AgentConnection orders-db")
        .contains("agents.refusePrivileged: false");
    apply(
        connection("lenient", "usable", 15433, "lenient", "PostgreSQL")
            .replace("agents: {", "agents: {refusePrivileged: false, "),
        path("agentconnections"));
    Answer lenient = createPod(namespace, "lenient", "lenient", "reader", "");
    assertThat(lenient.accepted()).as(lenient.toString()).isTrue();
  }

  @Test
  void aConnectionThatCannotBeServedIsRefusedWithEachMistake() {
    Answer answer =
        cluster
            .api()
            .create(
                path("agentconnections"),
                connection("bad", "usable", 15434, "bad", "MySQL")
                    + "  limits: {statementBytes: 2Gi}\n");
    assertThat(answer.code()).isEqualTo(403);
    assertThat(answer.message())
        .contains("Chaperone refuses AgentConnection bad")
        .contains("spec.protocol: protocol MySQL is not supported by this version")
        .contains("spec.limits.statementBytes: must be between 1Ki and 1Gi, not 2Gi");
  }

  @Test
  void whoWritesAConnectionMustBeAllowedToUseItsSecret() {
    Api author = cluster.apiAs("author");
    Answer refused = connect(author, "mine", "forbidden", 15435, "mine", "PostgreSQL");
    assertThat(refused.code()).isEqualTo(403);
    assertThat(refused.message())
        .contains("author may neither use nor get Secret forbidden")
        .contains("verbs: [use]");
    Answer allowed = connect(author, "mine", "usable", 15435, "mine", "PostgreSQL");
    assertThat(allowed.accepted()).as(allowed.toString()).isTrue();
  }

  @Test
  void whoMayNotUseTheSecretCanSuspendAConnectionAndNothingElse() {
    apply(
        connection("switched", "forbidden", 15436, "switched", "PostgreSQL"),
        path("agentconnections"));
    Api author = cluster.apiAs("author");
    String one = path("agentconnections") + "/switched";
    Answer redirected =
        author.patch(one, Api.MERGE_PATCH, "{\"spec\":{\"target\":{\"host\":\"evil.example\"}}}");
    assertThat(redirected.code()).isEqualTo(403);
    assertThat(author.patch(one, Api.MERGE_PATCH, "{\"spec\":{\"suspended\":true}}").accepted())
        .isTrue();
    assertThat(author.patch(one, Api.MERGE_PATCH, "{\"spec\":{\"suspended\":false}}").code())
        .as("letting agents in again is use")
        .isEqualTo(403);
    assertThat(
            author
                .patch(one, Api.MERGE_PATCH, "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}")
                .accepted())
        .isTrue();
    assertThat(author.delete(one).accepted()).isTrue();
  }

  @Test
  void aPolicyIsRefusedInTheWordsOfStandalone() {
    Answer answer =
        cluster
            .api()
            .create(
                path("accesspolicies"),
                """
                apiVersion: chaperone.dev/v1alpha1
                kind: AccessPolicy
                metadata: {name: bad}
                spec:
                  connections: [orders-db]
                  subjects: [{kind: ServiceAccount, name: agent}]
                  rules:
                  - {name: typo, effects: [Write], commands: [UPDTE], action: Allow}
                  - {name: broken, when: "operation.nothing ==", action: Allow}
                """);
    assertThat(answer.code()).isEqualTo(403);
    assertThat(answer.message())
        .contains("Chaperone refuses AccessPolicy bad")
        .contains("spec.rules[0].commands[0]: the rule can never match")
        .contains("did you mean UPDATE?");
  }

  @Test
  void aPolicyForAConnectionThatIsNotThereYetIsAllowed() {
    Answer answer =
        cluster
            .api()
            .create(
                path("accesspolicies"),
                """
                apiVersion: chaperone.dev/v1alpha1
                kind: AccessPolicy
                metadata: {name: early}
                spec:
                  connections: [order-db]
                  subjects: [{kind: ServiceAccount, name: agent}]
                  rules: [{name: reads, effects: [Read], action: Allow}]
                """);
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  @Test
  void aDecisionThatDoesNotSayWhoIsOfWhoWritesIt() {
    apply(
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: ApprovalRequest
        metadata: {name: undecided}
        spec:
          request:
            session: s-1
            connection: orders-db
            requester:
              username: agent
              groups: [agents]
              serviceAccount: agent
              pod: agent-1
              podUid: 0b5cf7a1-4a9b-4d8d-9d3b-0a6f3a0e7b11
            operation:
              protocol: PostgreSQL
              accesses: [{effect: Write, command: DELETE, resource: public.orders}]
              text: DELETE FROM orders
              parameters: []
              digest: sha256:%s
            policy: {name: p, rule: r, uid: p-1, generation: 1}
            approvers: {groups: [dba], users: [], count: 1, humansOnly: false}
            expiresAt: "2030-01-01T00:00:00Z"
        """
            .formatted("0".repeat(64)),
        path("approvalrequests"));
    Answer decided =
        cluster
            .apiAs("author")
            .patch(
                path("approvalrequests") + "/undecided",
                Api.JSON_PATCH,
                "[{\"op\":\"add\",\"path\":\"/spec/decisions/-\",\"value\":{\"verdict\":\"Deny\"}}]");
    assertThat(decided.accepted()).as(decided.toString()).isTrue();
    assertThat(decided.body().at("/spec/decisions/0/by").asText()).isEqualTo("author");
  }

  /** What the chart calls failurePolicy Fail and Ignore, observed. */
  @Test
  void whileTheOperatorIsAwayPodsAreRefusedWhereConnectionsAreAndOnlyThere() throws Exception {
    client.resource(account(other)).create();
    OperatorServer closed = server;
    int port = closed.webhookPort();
    closed.close();
    try {
      Answer guarded = createPod(namespace, "down", "shop", "agent", "");
      assertThat(guarded.accepted()).isFalse();
      assertThat(guarded.message()).contains("failed calling webhook");
      Answer elsewhere = createPod(other, "down", "shop", "agent", "");
      assertThat(elsewhere.accepted()).as(elsewhere.toString()).isTrue();
    } finally {
      server =
          OperatorServer.start(
              vertx, client, settings(port), metrics, Optional.empty(), Optional.empty());
    }
    Answer again = createPod(namespace, "down", "shop", "agent", "");
    assertThat(again.accepted()).as(again.toString()).isTrue();
  }

  private static ServiceAccount account(String in) {
    return new ServiceAccountBuilder()
        .withNewMetadata()
        .withName("agent")
        .withNamespace(in)
        .endMetadata()
        .build();
  }

  private static void awaitEvent(String reason, String message) {
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(client.v1().events().inNamespace(namespace).list().getItems())
                    .anySatisfy(
                        event -> {
                          assertThat(event.getReason()).isEqualTo(reason);
                          assertThat(event.getMessage()).contains(message);
                          assertThat(event.getInvolvedObject().getKind())
                              .isEqualTo("AgentConnection");
                        }));
  }
}
