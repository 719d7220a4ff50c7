package dev.chaperone.operator.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.Refused;
import dev.chaperone.operator.channel.TestSidecar;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.Output;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestNode;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.zjsonpatch.JsonPatch;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A hostile process in an agent's container on a real node, and whoever wrote its pod, try what
 * they can. Where the API server is asked, it is with all rights in the agent's namespace but that
 * to read Secrets, so that it is admission that refuses and not their absence.
 */
@UsesTestNode(withPostgresql = true)
@Tag("long")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class HostileAgentNodeIT {
  private static final String SUPPORT = "support";
  private static final String AGENT = "support-agent";
  private static final String ACCOUNT = "system:serviceaccount:support:support-agent";

  /** What the gateway logs in with: the Secret of the example. */
  private static final String PASSWORD = "change-me";

  private static final String BACKWARDS = new StringBuilder(PASSWORD).reverse().toString();

  /** An agent that is root in its container, beside a gateway whose target must prove its name. */
  private static final String ROOTS = "roots";

  private static final String ROOT = "root-agent";
  private static final String PODS = "/api/v1/namespaces/support/pods";
  private static final String OURS = "/apis/chaperone.dev/v1alpha1/namespaces/support/";
  private static final ObjectMapper JSON = new ObjectMapper();
  private static TestCluster cluster;
  private static Installation installation;

  @BeforeAll
  static void install(TestCluster given) throws IOException {
    cluster = given;
    installation = new Installation(cluster);
    installation.install();
    installation.quickstart();
    rightsOfTheHostileAgent();
    rootAgent();
    installation.awaitReady(SUPPORT, AGENT);
    installation.awaitReady(ROOTS, ROOT);
  }

  private static void rightsOfTheHostileAgent() throws IOException {
    installation.apply(
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: hostile-agent}
        rules:
        - apiGroups: [""]
          resources: [namespaces, namespaces/status, pods, pods/attach, pods/ephemeralcontainers,
            pods/exec, pods/log, pods/portforward, pods/status, serviceaccounts,
            serviceaccounts/token]
          verbs: ["*"]
        - {apiGroups: [chaperone.dev], resources: ["*"], verbs: ["*"]}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: hostile-agent, namespace: support}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: hostile-agent}
        subjects: [{kind: ServiceAccount, name: support-agent}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: forwarder, namespace: support}
        rules: [{apiGroups: [""], resources: [pods, pods/portforward], verbs: [get, create]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: forwarder, namespace: support}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: forwarder}
        subjects: [{kind: User, name: forwarder@example.com, apiGroup: rbac.authorization.k8s.io}]
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: payroll-db, namespace: support}
        stringData: {username: payroll, password: other}
        """);
  }

  private static void rootAgent() throws IOException {
    installation.namespace(ROOTS);
    installation.apply(
        """
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: root-agent, namespace: roots}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: orders-db, namespace: roots}
        stringData: {username: orders_app, password: change-me}
        ---
        apiVersion: chaperone.dev/v1alpha1
        kind: AgentConnection
        metadata: {name: orders-db, namespace: roots}
        spec:
          protocol: PostgreSQL
          target: {host: orders-db.shop.svc, port: 5432, database: orders}
          credentials: {secretRef: {name: orders-db}}
          agents: {podSelector: {matchLabels: {app: root-agent}}}
          listen: {port: 15432}
        ---
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: reads, namespace: roots}
        spec:
          connections: [orders-db]
          subjects: [{kind: ServiceAccount, name: root-agent}]
          rules: [{name: reads, effects: [Read], action: Allow}]
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: root-agent, namespace: roots, labels: {app: root-agent}}
        spec:
          serviceAccountName: root-agent
          containers:
          - name: agent
            image: %s
            imagePullPolicy: Never
            command: [sleep, infinity]
            securityContext: {runAsUser: 0, runAsGroup: 0}
        """
            .formatted(Installation.EXAMPLE_IMAGE));
  }

  @AfterAll
  static void uninstall() {
    if (installation != null) {
      cluster.kubectl("delete", "clusterrole", "hostile-agent", "--ignore-not-found");
      installation.close();
    }
  }

  /** Whatever was tried: the gateways run on, and serve. */
  @AfterEach
  void nothingHasHappenedToTheGateways() {
    for (String[] pod : new String[][] {{SUPPORT, AGENT}, {ROOTS, ROOT}}) {
      ContainerStatus gateway =
          installation.pod(pod[0], pod[1]).getStatus().getInitContainerStatuses().get(0);
      assertThat(gateway.getRestartCount()).as(pod[1]).isZero();
      assertThat(gateway.getReady()).as(pod[1]).isTrue();
    }
    assertThat(sh(SUPPORT, AGENT, "psql -XAtc 'SELECT count(*) FROM orders'"))
        .containsExactly("400");
  }

  // ---- from within the agent's container

  @Test
  void neitherItsUserNorRootSeesTheGatewaysProcessesFilesOrMemory() {
    for (String[] pod : new String[][] {{SUPPORT, AGENT}, {ROOTS, ROOT}}) {
      assertFindsNothing(attack(pod[0], pod[1], "processes", BACKWARDS), 2);
      assertFindsNothing(attack(pod[0], pod[1], "files", BACKWARDS), 100);
      assertFindsNothing(attack(pod[0], pod[1], "mounts"), 5);
    }
  }

  /** That nothing is found says something only of a search that finds what is there. */
  @Test
  void whatItCanSeeItsSearchFinds() {
    sh(SUPPORT, AGENT, "echo " + PASSWORD + " > /tmp/planted");
    try {
      assertThat(attack(SUPPORT, AGENT, "files", BACKWARDS))
          .contains("FOUND the secret in /tmp/planted");
    } finally {
      attack(SUPPORT, AGENT, "delete", "/tmp/planted");
    }
    assertThat(
            sh(
                SUPPORT,
                AGENT,
                "PLANTED="
                    + PASSWORD
                    + " sleep 30 >/dev/null 2>&1 & "
                    + HOSTILE.replace("exec ", "")
                    + " processes "
                    + BACKWARDS))
        .anyMatch(line -> line.startsWith("FOUND the secret in /proc/"));
  }

  @Test
  void noCapabilityIsLeftThatReachesOtherProcessesOrTheNetworkBelow() {
    // linux/capability.h: NET_ADMIN, NET_RAW, SYS_PTRACE, SYS_ADMIN.
    long dangerous = 1L << 12 | 1L << 13 | 1L << 19 | 1L << 21;
    List<String> found = attack(ROOTS, ROOT, "capabilities");
    assertThat(found).singleElement().asString().startsWith("CapBnd: ");
    assertThat(Long.parseUnsignedLong(found.get(0).substring(8), 16) & dangerous).isZero();
  }

  @Test
  void signalsReachNobodyOutsideOfItsContainer() {
    List<String> said = attack(ROOTS, ROOT, "kill");
    assertThat(tried(said)).isPositive();
  }

  @Test
  void nothingOfTheGatewayListensButTheConnectionsPortOnTheLoopbackInterface() {
    List<String> said = attack(SUPPORT, AGENT, "ports", "15432");
    assertFindsNothing(said, 65_535 * 2);
    assertThat(said).contains("open 127.0.0.1 15432");
  }

  @Test
  void itsUserCannotLeadTheGatewayElsewhere() {
    assertThat(
            attack(
                SUPPORT,
                AGENT,
                "write",
                "127.0.0.1 orders-db.shop.svc",
                "/etc/hosts",
                "/etc/resolv.conf"))
        .containsExactly("refused /etc/hosts", "refused /etc/resolv.conf", "tried 2");
  }

  /** Containers of a pod share /etc/hosts: what VerifyFull is for. */
  @Test
  void rootThatLeadsTheGatewayToARelayOfItsOwnIsToldNoCredentialWithTlsOrWithout() {
    String hosts = String.join("\n", sh(ROOTS, ROOT, "cat /etc/hosts"));
    try {
      assertThat(attack(ROOTS, ROOT, "write", "127.0.0.1 orders-db.shop.svc", "/etc/hosts"))
          .contains("written /etc/hosts");
      for (String answer : List.of("N", "S")) {
        List<String> said =
            await()
                .atMost(Installation.SOON)
                .until(
                    () -> attack(ROOTS, ROOT, "relay", answer, BACKWARDS),
                    // The name is looked up anew after a while.
                    lines -> lines.stream().anyMatch(line -> line.startsWith("asked for ")));
        // SSLRequest: "Message Formats" of the protocol.
        assertThat(said).contains("asked for 8 80877103", "tried 1");
        assertThat(said).noneMatch(line -> line.startsWith("FOUND"));
        assertThat(said).anyMatch(line -> line.startsWith("told E "));
        assertThat(said.toString()).doesNotContain(PASSWORD, "orders_app");
      }
    } finally {
      sh(ROOTS, ROOT, "cat > /etc/hosts <<'END'\n" + hosts + "\nEND");
    }
  }

  @Test
  void whatItFillsIsItsOwn() {
    List<String> said = attack(SUPPORT, AGENT, "fill", "/dev/shm/filled");
    try {
      assertThat(said.get(0)).startsWith("full: ");
      assertThat(sh(SUPPORT, AGENT, "psql -XAtc 'SELECT 1'")).containsExactly("1");
    } finally {
      attack(SUPPORT, AGENT, "delete", "/dev/shm/filled");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "user agent database postgres",
        "user agent database orders replication true",
        "user agent database orders replication database",
        "user agent database orders options -c\\ session_authorization=postgres",
        "user agent database orders session_authorization postgres",
        "user agent database orders role postgres",
      })
  void noStartupParameterMakesItSomebodyElse(String parameters) {
    assertThat(sh(SUPPORT, AGENT, HOSTILE + " startup " + parameters))
        .singleElement()
        .asString()
        .startsWith("E ")
        .doesNotContain(PASSWORD);
  }

  @Test
  void theUserThatItNamesIsNotWhoItIs() {
    assertThat(sh(SUPPORT, AGENT, "psql -U postgres -XAtc 'SELECT current_user'"))
        .containsExactly("orders_app");
    assertThat(sh(SUPPORT, AGENT, "psql -XAtc 'SET ROLE postgres' 2>&1").toString())
        .contains("is denied");
  }

  @Test
  void connectionsThatAreTooManyAreRefusedAndThoseThatGoNoFurtherAreEnded() {
    List<String> many = attack(SUPPORT, AGENT, "connections", "130");
    assertThat(many).anyMatch(line -> line.matches("served (9[0-9]|100)"));
    assertThat(many.toString()).contains("53300");
    List<String> slow = attack(SUPPORT, AGENT, "slow", "300");
    assertThat(slow).contains("honest Z", "ended 300", "tried 300");
  }

  @Test
  void aMessageOfTwoGigabytesIsRefused() {
    List<String> said = attack(SUPPORT, AGENT, "giant");
    assertThat(said).hasSize(2);
    assertThat(said.get(0)).isEqualTo("Z");
    assertThat(said.get(1)).matches("(E .*|closed)");
  }

  @Test
  void theTokenItHasReadsNoSecretAndTheKubeletListensToNobody() {
    String token = ownToken();
    assertThat(
            attack(
                SUPPORT,
                AGENT,
                "get",
                "https://kubernetes.default.svc/api/v1/namespaces/support/secrets/orders-db",
                token))
        .containsExactly("code 403");
    String node = installation.pod(SUPPORT, AGENT).getStatus().getHostIP();
    assertThat(attack(SUPPORT, AGENT, "get", "https://" + node + ":10250/pods", token))
        .singleElement()
        .asString()
        .matches("code (401|403)");
  }

  /** What Kubernetes gives the agent's containers. */
  private static String ownToken() {
    return installation
        .kubectl(
            "--namespace",
            SUPPORT,
            "create",
            "token",
            "support-agent",
            "--bound-object-kind=Pod",
            "--bound-object-name=" + AGENT)
        .strip();
  }

  @Test
  void theTargetTakesNothingButTheCredential() {
    for (String password : List.of("", "agent", "orders_app")) {
      assertThat(
              sh(
                      SUPPORT,
                      AGENT,
                      "PGPASSWORD="
                          + password
                          + " psql -w -h orders-db.shop.svc -p 5432 -U orders_app -d orders -XAtc"
                          + " 'SELECT 1' 2>&1")
                  .toString())
          .contains("password");
    }
  }

  // ---- towards the operator

  @Test
  void theOperatorLetsInNobodyWithAForgedTokenOrTheAgentsOwn() throws Exception {
    Pod agent = installation.pod(SUPPORT, AGENT);
    String own = ownToken();
    String forged = own.substring(0, own.lastIndexOf('.') + 1) + "x".repeat(342);
    for (String token : List.of(own, forged, "")) {
      // An operator without time for a handshake ends it.
      await()
          .atMost(Installation.SOON)
          .ignoreExceptionsInstanceOf(IOException.class)
          .untilAsserted(() -> assertThat(hello(agent, token)).isInstanceOf(Refused.class));
    }
  }

  /** What the operator says to somebody who claims to be the gateway of that pod. */
  private static ChannelMessage hello(Pod agent, String token) throws Exception {
    // It ends when a connection through it is cut off.
    Process forward =
        cluster
            .kubectlProcess(
                "--namespace",
                Installation.SYSTEM,
                "port-forward",
                "service/chaperone-operator",
                ":8444")
            .start();
    try (BufferedReader out = forward.inputReader()) {
      String said = out.readLine();
      if (said == null) {
        throw new IOException("kubectl port-forward has ended");
      }
      int port = Integer.parseInt(said.replaceAll(".*127\\.0\\.0\\.1:([0-9]+) .*", "$1"));
      try (TestSidecar sidecar = TestSidecar.connect(port, authority(agent))) {
        sidecar.send(
            sidecar.hello(
                token,
                agent.getMetadata().getUid(),
                KeyPairGenerator.getInstance("Ed25519").generateKeyPair()));
        return sidecar.receive();
      }
    } finally {
      forward.destroy();
    }
  }

  private static X509Certificate authority(Pod agent) throws Exception {
    String pem =
        agent.getSpec().getInitContainers().get(0).getEnv().stream()
            .filter(one -> one.getName().equals("CHAPERONE_CA"))
            .map(EnvVar::getValue)
            .findFirst()
            .orElseThrow();
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
  }

  @Test
  void neitherThePodNorTheGatewaysLogHasTheCredential() {
    assertThat(installation.kubectl("--namespace", SUPPORT, "get", "pod", AGENT, "-o", "yaml"))
        .doesNotContain(PASSWORD);
    assertThat(installation.kubectl("--namespace", SUPPORT, "logs", AGENT, "-c", "chaperone"))
        .isNotEmpty()
        .doesNotContain(PASSWORD);
  }

  // ---- at the API server: pods

  @Test
  void anHonestPodIsTaken() {
    Answer answer = create("{}");
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          the node's processes           | /spec/hostPID | true
          the node's network             | /spec/hostNetwork | true
          the node's IPC                 | /spec/hostIPC | true
          the pod's processes            | /spec/shareProcessNamespace | true
          the node's files               | /spec/volumes | [{"name": "x", "hostPath": {"path": "/"}}]
          a privileged container         | /spec/containers/0/securityContext | {"privileged": true}
          tracing                        | /spec/containers/0/securityContext/capabilities | {"add": ["SYS_PTRACE"]}
          administration                 | /spec/containers/0/securityContext/capabilities | {"add": ["CAP_SYS_ADMIN"]}
          raw sockets                    | /spec/containers/0/securityContext/capabilities | {"add": ["net_raw"]}
          redirecting                    | /spec/containers/0/securityContext/capabilities | {"add": ["NET_ADMIN"]}
          unmasked /proc                 | /spec/containers/0/securityContext/procMount | "Unmasked"
          the gateway's user             | /spec/containers/0/securityContext/runAsUser | 64532
          root where names prove nothing | /spec/securityContext | {"runAsUser": 0}
          the Secret as a volume         | /spec/volumes | [{"name": "x", "secret": {"secretName": "orders-db"}}]
          the Secret in a projection     | /spec/volumes | [{"name": "x", "projected": {"sources": [{"secret": {"name": "orders-db"}}]}}]
          the Secret for a CSI driver    | /spec/volumes | [{"name": "x", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "orders-db"}}}]
          the Secret as a variable       | /spec/containers/0/env | [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "orders-db", "key": "password"}}}]
          the Secret as all variables    | /spec/containers/0/envFrom | [{"secretRef": {"name": "orders-db"}}]
          the Secret to pull images with | /spec/imagePullSecrets | [{"name": "orders-db"}]
          a token for the operator       | /spec/volumes | [{"name": "x", "projected": {"sources": [{"serviceAccountToken": {"audience": "chaperone", "path": "t"}}]}}]
          a gateway of its own           | /spec/initContainers | [{"name": "chaperone", "image": "evil:1", "restartPolicy": "Always"}]
          a container of its name        | /spec/containers/1 | {"name": "chaperone", "image": "evil:1"}
          a volume of its name           | /spec/volumes | [{"name": "chaperone-secrets", "emptyDir": {}}]
          a mount of its volume          | /spec/containers/0/volumeMounts | [{"name": "chaperone-secrets", "mountPath": "/x"}]
          another address of the target  | /spec/hostAliases | [{"ip": "127.0.0.1", "hostnames": ["orders-db.shop.svc"]}]
          another name server            | /spec/dnsConfig | {"nameservers": ["127.0.0.1"]}
          another gateway's address      | /spec/containers/0/env | [{"name": "PGHOST", "value": "elsewhere"}]
          """)
  void aPodThatAsksForMoreIsRefused(String what, String path, String value) {
    assertThat(create("{\"path\": \"" + path + "\", \"value\": " + value + "}").message())
        .as(what)
        .contains("Chaperone refuses this pod");
  }

  @Test
  void withoutTheLabelThePodHasNoGatewayAndMayNotHaveTheSecretEither() {
    Answer answer =
        create(
            "{\"path\": \"/metadata/labels\", \"value\": {\"app\": \"other\"}}",
            "{\"path\": \"/spec/containers/0/envFrom\","
                + " \"value\": [{\"secretRef\": {\"name\": \"orders-db\"}}]}");
    assertThat(answer.message()).contains("Chaperone refuses this pod", "orders-db");
  }

  @Test
  void whoBorrowsTheLabelIsStillWhoTheyAre() throws IOException {
    installation.apply(
        """
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: borrower, namespace: support}
        ---
        apiVersion: v1
        kind: Pod
        metadata:
          name: borrower
          namespace: support
          labels: {app: support-agent, chaperone.dev/injection: injected}
          annotations: {chaperone.dev/identity: support-agent}
        spec:
          serviceAccountName: borrower
          securityContext: {runAsNonRoot: true, runAsUser: 1000}
          containers:
          - name: agent
            image: %s
            imagePullPolicy: Never
            command: [sleep, infinity]
            securityContext: {allowPrivilegeEscalation: false}
        """
            .formatted(Installation.EXAMPLE_IMAGE));
    installation.awaitReady(SUPPORT, "borrower");
    assertThat(sh(SUPPORT, "borrower", "psql -XAtc 'SELECT 1 FROM orders' 2>&1").toString())
        .contains("No policy governs service account borrower");
    cluster.kubectl("--namespace", SUPPORT, "delete", "pod", "borrower", "--wait=false");
  }

  @Test
  void aRunningPodsGatewayIsNotChanged() {
    String pod = PODS + "/" + AGENT;
    String image =
        "{\"spec\": {\"initContainers\": [{\"name\": \"chaperone\", \"image\": \"evil:1\"}]}}";
    assertRefused(as().patch(pod, Api.STRATEGIC_MERGE_PATCH, image), "Chaperone refuses");
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          among its processes | {"name": "debug", "image": "evil:1", "targetContainerName": "chaperone"}
          with its volume     | {"name": "debug", "image": "evil:1", "volumeMounts": [{"name": "chaperone-secrets", "mountPath": "/x"}]}
          with its token      | {"name": "debug", "image": "evil:1", "volumeMounts": [{"name": "chaperone-token", "mountPath": "/x"}]}
          with the Secret     | {"name": "debug", "image": "evil:1", "envFrom": [{"secretRef": {"name": "orders-db"}}]}
          that may trace      | {"name": "debug", "image": "evil:1", "securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}}}
          """)
  void nobodyDebugsTheGateway(String what, String container) {
    assertRefused(
        as().patch(
                PODS + "/" + AGENT + "/ephemeralcontainers",
                Api.STRATEGIC_MERGE_PATCH,
                "{\"spec\": {\"ephemeralContainers\": [" + container + "]}}"),
        "Chaperone refuses");
  }

  @Test
  void nobodyRunsCommandsInTheGatewayAttachesToItOrForwardsItsPorts() {
    for (List<String> command :
        List.of(
            List.of("exec", AGENT, "--container=chaperone", "--", "true"),
            List.of("attach", AGENT, "--container=chaperone"))) {
      Output refused = hostileKubectl(ACCOUNT, command);
      assertThat(refused.exit()).isNotZero();
      assertThat(refused.err()).contains("nobody runs commands in it");
    }
    Output forwarded =
        hostileKubectl("forwarder@example.com", List.of("port-forward", AGENT, ":15432"));
    assertThat(forwarded.exit()).isNotZero();
    assertThat(forwarded.err()).contains("a forwarded port reaches the gateway as the agent does");
  }

  private static Output hostileKubectl(String user, List<String> command) {
    List<String> whole = new ArrayList<>(List.of("--namespace", SUPPORT, "--as", user));
    whole.addAll(command);
    return cluster.kubectl(whole.toArray(String[]::new));
  }

  // ---- at the API server: what is Chaperone's

  @Test
  void noTokenForTheOperatorIsGivenOut() {
    assertRefused(
        as().create(
                "/api/v1/namespaces/support/serviceaccounts/support-agent/token",
                """
                apiVersion: authentication.k8s.io/v1
                kind: TokenRequest
                spec: {audiences: [chaperone]}
                """),
        "nodes alone ask for them");
  }

  @Test
  void sessionsAndRequestsAreNeitherMadeNorDeletedNorWrittenBySomebodyElse() {
    JsonNode session = cluster.api().get(OURS + "agentsessions").body().at("/items/0");
    String name = session.at("/metadata/name").asText();
    assertThat(name).isNotEmpty();
    assertRefused(as().delete(OURS + "agentsessions/" + name), "are a record");
    assertRefused(
        as().patch(
                OURS + "agentsessions/" + name + "/status",
                Api.MERGE_PATCH,
                "{\"status\": {\"operations\": {\"denied\": 0}}}"),
        "only the operator writes status");
    ObjectNode copy = JSON.createObjectNode();
    copy.put("apiVersion", "chaperone.dev/v1alpha1").put("kind", "AgentSession");
    copy.putObject("metadata").put("name", "forged");
    copy.set("spec", session.path("spec"));
    assertRefused(as().create(OURS + "agentsessions", copy.toString()), "only the operator");
  }

  @Test
  void theAgentDoesNotDecideWhatItAsks() {
    try (AgentClient agent = AgentClient.psql(cluster, SUPPORT, AGENT).connected()) {
      agent.send("UPDATE orders SET status = 'returned' WHERE id = 77");
      String request =
          await()
              .atMost(Installation.SOON)
              .until(
                  () ->
                      cluster
                          .api()
                          .get(OURS + "approvalrequests")
                          .body()
                          .at("/items/0/metadata/name")
                          .asText(),
                  name -> !name.isEmpty());
      String path = OURS + "approvalrequests/" + request;
      assertRefused(
          as().patch(
                  path,
                  Api.JSON_PATCH,
                  "[{\"op\": \"add\", \"path\": \"/spec/decisions/-\", \"value\": {\"by\": \""
                      + ACCOUNT
                      + "\", \"verdict\": \"Approve\"}}]"),
          "does not decide",
          "decide in your own name");
      assertRefused(
          as().patch(
                  path,
                  Api.JSON_PATCH,
                  "[{\"op\": \"add\", \"path\": \"/spec/decisions/-\","
                      + " \"value\": {\"by\": \"jane@example.com\", \"verdict\": \"Approve\"}}]"),
          "decide in your own name");
      assertRefused(
          as().patch(
                  path,
                  Api.JSON_PATCH,
                  "[{\"op\": \"replace\", \"path\": \"/spec/request/operation/text\","
                      + " \"value\": \"SELECT 1\"}]"),
          "request is immutable");
      assertRefused(
          as().patch(path + "/status", Api.MERGE_PATCH, "{\"status\": {\"phase\": \"Approved\"}}"),
          "only the operator writes status");
      assertRefused(as().delete(path), "are a record");
      assertThat(agent.waits()).isTrue();
    }
  }

  @Test
  void theNamespaceStaysGuarded() {
    assertRefused(
        as().patch(
                "/api/v1/namespaces/support",
                Api.MERGE_PATCH,
                "{\"metadata\": {\"labels\": {\"chaperone.dev/guarded\": null}}}"),
        "belongs to the operator");
  }

  @Test
  void aConnectionMayNotNameASecretThatItsAuthorMayNotUse() {
    Answer answer =
        as().create(
                OURS + "agentconnections",
                """
                apiVersion: chaperone.dev/v1alpha1
                kind: AgentConnection
                metadata: {name: payroll-db, namespace: support}
                spec:
                  protocol: PostgreSQL
                  target: {host: evil.example, port: 5432, database: payroll, tls: {mode: Disable}}
                  credentials: {secretRef: {name: payroll-db}}
                  agents: {podSelector: {matchLabels: {app: support-agent}}}
                  listen: {port: 15499}
                """);
    assertRefused(answer, "payroll-db");
  }

  // ---- means

  private static final String HOSTILE =
      "exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx128m -cp /opt/java-agent "
          + HostileAgent.class.getName();

  private static Api as() {
    return cluster.apiAs(ACCOUNT);
  }

  /** Refused, and not for want of a right. */
  private static void assertRefused(Answer answer, String... oneOf) {
    assertThat(answer.accepted()).as(answer.toString()).isFalse();
    assertThat(answer.message())
        .containsAnyOf(oneOf)
        .doesNotContain("cannot patch", "cannot create");
  }

  /** What the API server says of the honest pod with additions; nothing is stored. */
  private static Answer create(String... additions) {
    try {
      ObjectNode pod =
          (ObjectNode)
              JSON.readTree(
                  """
                  {"apiVersion": "v1", "kind": "Pod",
                   "metadata": {"name": "hostile", "labels": {"app": "support-agent"}},
                   "spec": {"serviceAccountName": "support-agent",
                     "securityContext": {"runAsNonRoot": true, "runAsUser": 1000},
                     "containers": [{"name": "agent", "image": "agent:1",
                       "securityContext": {"allowPrivilegeEscalation": false}}]}}
                  """);
      ArrayNode patch = JSON.createArrayNode();
      for (String addition : additions) {
        ObjectNode one = (ObjectNode) JSON.readTree(addition);
        if (!one.isEmpty()) {
          patch.add(one.put("op", "add"));
        }
      }
      return as().create(PODS + "?dryRun=All", JsonPatch.apply(patch, pod).toString());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void assertFindsNothing(List<String> said, int atLeast) {
    assertThat(said).noneMatch(line -> line.startsWith("FOUND"));
    assertThat(tried(said)).as(said.toString()).isGreaterThanOrEqualTo(atLeast);
  }

  private static long tried(List<String> said) {
    return said.stream()
        .filter(line -> line.startsWith("tried "))
        .mapToLong(line -> Long.parseLong(line.substring(6)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("it tried nothing: " + said));
  }

  /** One run of {@link HostileAgent}. */
  private static List<String> attack(String namespace, String pod, String... arguments) {
    StringBuilder command = new StringBuilder(HOSTILE);
    for (String argument : arguments) {
      command.append(" '").append(argument).append('\'');
    }
    return sh(namespace, pod, command.toString());
  }

  /** A command in the agent's container; what it printed. */
  private static List<String> sh(String namespace, String pod, String command) {
    ProcessBuilder builder =
        cluster.kubectlProcess(
            "--namespace", namespace, "exec", "--container=agent", pod, "--", "sh", "-c", command);
    try {
      Process process = builder.redirectErrorStream(true).start();
      String output;
      try (BufferedReader out = process.inputReader()) {
        output = String.join("\n", out.lines().toList());
      }
      process.waitFor();
      return output
          .lines()
          .filter(line -> !line.startsWith("command terminated with exit code"))
          .toList();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
