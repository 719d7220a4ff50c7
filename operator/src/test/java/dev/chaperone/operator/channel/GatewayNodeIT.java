package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.control.channel.ChannelMessage.ConditionsReport;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.Document;
import dev.chaperone.control.resource.Metadata;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.operator.injection.InjectionDecision;
import dev.chaperone.operator.injection.InjectionSettings;
import dev.chaperone.operator.injection.InjectionSettings.OperatorAddress;
import dev.chaperone.operator.injection.InjectionSettings.PullPolicy;
import dev.chaperone.operator.injection.InjectionSettings.Resources;
import dev.chaperone.operator.injection.OperatorAuthority;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.Output;
import dev.chaperone.operator.testing.TakesMinutes;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestNode;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import io.fabric8.zjsonpatch.JsonPatch;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The gateway's image and container, as injection puts it in, in the hands of a real kubelet: its
 * probes, its token, its Secrets, its death. The operator's end of the channel runs here.
 */
@UsesTestNode
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class GatewayNodeIT {
  /** The host's end of the link to the node, see the README of the scripts. */
  private static final byte[] HOST = {10, 77, 0, 1};

  private static final String IMAGE = "chaperone.test/sidecar:it";
  private static final Duration SOON = Duration.ofMinutes(3);

  /**
   * Three failures of a probe every 30 seconds, the grace of a process that takes no signal, a
   * start.
   */
  private static final Duration STUCK = Duration.ofMinutes(6);

  private static final TestAuthority AUTHORITY = new TestAuthority();
  private static final RecordingListener LISTENER = new RecordingListener();
  private static final ObjectMapper JSON = new ObjectMapper();

  private static TestCluster cluster;
  private static Chart chart;
  private static ChannelServer server;
  private static InjectionSettings settings;
  private static AgentConnection connection;

  @BeforeAll
  static void populate(TestCluster given) throws Exception {
    cluster = given;
    cluster.makeImage("sidecar", IMAGE);
    cluster.applyCustomResourceDefinitions();
    // In force like everywhere: the kubelet has to get its tokens past them.
    chart = Chart.install(cluster);
    String host = "chaperone-operator." + cluster.namespace() + ".svc";
    ServerIdentity identity = AUTHORITY.server(host);
    server =
        ChannelServer.listen(
            new InetSocketAddress(InetAddress.getByAddress(HOST), 0),
            () -> identity,
            new Authenticator(
                new KubernetesTokenReviewer(cluster.client()),
                new KubernetesPodLookup(cluster.client(), "chaperone"),
                new ConfigMapKeyBindings(cluster.client(), cluster.namespace())),
            LISTENER,
            ChannelSettings.STANDARD);
    settings =
        new InjectionSettings(
            IMAGE,
            PullPolicy.NEVER,
            InjectionSettings.DEFAULT_UID,
            Resources.DEFAULT,
            new OperatorAddress(host, 8444),
            new OperatorAuthority.Inline(AUTHORITY.pem().replace("\r", "")),
            "64Mi",
            "32Mi");
    make(
        "/api/v1/namespaces/" + cluster.namespace() + "/services",
        """
        apiVersion: v1
        kind: Service
        metadata: {name: chaperone-operator}
        spec: {ports: [{name: channel, port: 8444, targetPort: %d}]}
        """
            .formatted(server.port()));
    make(
        "/apis/discovery.k8s.io/v1/namespaces/" + cluster.namespace() + "/endpointslices",
        """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: operator-here, labels: {kubernetes.io/service-name: chaperone-operator}}
        addressType: IPv4
        endpoints: [{addresses: [10.77.0.1]}]
        ports: [{name: channel, port: %d}]
        """
            .formatted(server.port()));
    make(
        "/api/v1/namespaces/" + cluster.namespace() + "/secrets",
        """
        apiVersion: v1
        kind: Secret
        metadata: {name: orders-db}
        stringData: {username: agent, password: correct-horse}
        """);
    cluster.createServiceAccount("agent");
    make(
        "/apis/chaperone.dev/v1alpha1/namespaces/" + cluster.namespace() + "/agentconnections",
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AgentConnection
        metadata: {name: orders-db}
        spec:
          protocol: PostgreSQL
          target: {host: orders.prod.svc, port: 5432, database: orders}
          credentials: {secretRef: {name: orders-db}}
          agents: {podSelector: {matchLabels: {app: agent}}}
          listen: {port: 15432}
        """);
    connection = cluster.client().resources(AgentConnection.class).withName("orders-db").get();
    await()
        .atMost(SOON)
        .until(
            () ->
                cluster
                    .api()
                    .create(
                        "/api/v1/namespaces/"
                            + cluster.namespace()
                            + "/serviceaccounts/agent/token",
                        """
                        apiVersion: authentication.k8s.io/v1
                        kind: TokenRequest
                        spec: {audiences: [chaperone]}
                        """)
                    .message()
                    .contains("nodes alone ask for them"));
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
    if (chart != null) {
      chart.close();
    }
  }

  private static void make(String path, String yaml) {
    Answer answer = cluster.api().create(path, yaml);
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  /** Makes a pod of an agent, with the gateway as injection puts it in. Returns its uid. */
  private static String run(String name) throws IOException {
    ObjectNode pod =
        (ObjectNode)
            JSON.readTree(
                """
                {"apiVersion": "v1", "kind": "Pod",
                 "metadata": {"name": "%s", "labels": {"app": "agent"}},
                 "spec": {"serviceAccountName": "agent",
                          "containers": [{"name": "agent", "image": "chaperone.test/pause:1",
                                          "imagePullPolicy": "Never"}]}}
                """
                    .formatted(name));
    InjectionDecision decision =
        InjectionDecision.of(pod, cluster.namespace(), List.of(connection), settings);
    assertThat(decision).isInstanceOf(InjectionDecision.Inject.class);
    JsonNode injected = JsonPatch.apply(((InjectionDecision.Inject) decision).patch(), pod);
    Answer made =
        cluster
            .api()
            .create("/api/v1/namespaces/" + cluster.namespace() + "/pods", injected.toString());
    assertThat(made.accepted()).as(made.toString()).isTrue();
    return made.body().at("/metadata/uid").asText();
  }

  private static Pod pod(String name) {
    return cluster.client().pods().withName(name).get();
  }

  private static ContainerStatus gateway(String name) {
    return pod(name).getStatus().getInitContainerStatuses().get(0);
  }

  private static Optional<ContainerStatus> agent(String name) {
    return pod(name).getStatus().getContainerStatuses().stream().findFirst();
  }

  /** Waits for a sidecar of this pod other than one that was there before. */
  private static ConnectedSidecar sidecar(String uid, Optional<ConnectedSidecar> before) {
    await()
        .atMost(SOON)
        .until(() -> server.sidecar(uid).isPresent() && !server.sidecar(uid).equals(before));
    return server.sidecar(uid).orElseThrow();
  }

  private static void configure(ConnectedSidecar sidecar, String name, String uid) {
    long revision =
        sidecar.configure(
            List.of(
                Document.pod(
                    new Metadata(cluster.namespace(), name, uid, 1, Map.of("app", "agent")),
                    "agent"),
                Document.connection(
                    new Metadata(
                        cluster.namespace(),
                        "orders-db",
                        connection.getMetadata().getUid(),
                        1,
                        Map.of()),
                    connection.getSpec())));
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> assertThat(LISTENER.heard).contains(new ConfigurationApplied(revision)));
  }

  private static void awaitReady(String name) {
    await().atMost(SOON).until(() -> Readiness.getInstance().isReady(pod(name)));
  }

  @Test
  void itStartsBeforeTheAgentAndIsReadyWithItsConfiguration() throws Exception {
    String uid = run("plain");
    ConnectedSidecar sidecar = sidecar(uid, Optional.empty());
    // Let in with the token that the kubelet has mounted, and reviewed by the API server.
    assertThat(sidecar.pod().uid()).isEqualTo(uid);
    assertThat(Readiness.getInstance().isReady(pod("plain"))).isFalse();
    configure(sidecar, "plain", uid);
    awaitReady("plain");
    assertThat(gateway("plain").getStarted()).isTrue();
    assertThat(gateway("plain").getRestartCount()).isZero();
    Instant begun = Instant.parse(gateway("plain").getState().getRunning().getStartedAt());
    assertThat(Instant.parse(agent("plain").orElseThrow().getState().getRunning().getStartedAt()))
        .isAfterOrEqualTo(begun);
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> {
              assertThat(LISTENER.heard).contains(new Health(true, ""));
              // The Secret is mounted where only the gateway sees it, and can be read by its user.
              assertThat(LISTENER.heard)
                  .anyMatch(
                      message ->
                          message instanceof ConditionsReport report
                              && report.conditions().stream()
                                  .anyMatch(
                                      one ->
                                          one.type().equals("CredentialsResolved")
                                              && one.status() == ConditionStatus.TRUE));
            });
  }

  @Test
  void nobodyRunsCommandsInItNotEvenItsProbe() throws Exception {
    String uid = run("visited");
    configure(sidecar(uid, Optional.empty()), "visited", uid);
    awaitReady("visited");
    Output exec =
        cluster.kubectl(
            "exec", "visited", "--container=chaperone", "--", "chaperone-sidecar", "probe", "live");
    assertThat(exec.exit()).isNotZero();
    assertThat(exec.err()).contains("nobody runs commands in it");
    // The policy is what refuses it: without it the same command is answered.
    chart.close();
    try {
      await()
          .atMost(SOON)
          .untilAsserted(
              () -> {
                Output open =
                    cluster.kubectl(
                        "exec",
                        "visited",
                        "--container=chaperone",
                        "--",
                        "chaperone-sidecar",
                        "probe",
                        "live");
                assertThat(open.exit()).as(open.err()).isZero();
              });
    } finally {
      chart = Chart.install(cluster);
    }
  }

  @Test
  void oneThatIsKilledIsStartedAnewAndTheAgentRunsOn() throws Exception {
    String uid = run("killed");
    ConnectedSidecar first = sidecar(uid, Optional.empty());
    configure(first, "killed", uid);
    awaitReady("killed");
    signal("KILL", uid);
    await().atMost(SOON).until(() -> gateway("killed").getRestartCount() == 1);
    // Its key was in its memory: another is taken because the kubelet says that it was started
    // anew.
    configure(sidecar(uid, Optional.of(first)), "killed", uid);
    await().atMost(SOON).until(() -> Boolean.TRUE.equals(gateway("killed").getReady()));
    awaitReady("killed");
    assertThat(agent("killed").orElseThrow().getRestartCount()).isZero();
  }

  @Test
  @TakesMinutes
  void oneThatIsStuckIsNotReadyAndIsStartedAnewAndTheAgentRunsOn() throws Exception {
    String uid = run("stuck");
    ConnectedSidecar first = sidecar(uid, Optional.empty());
    configure(first, "stuck", uid);
    awaitReady("stuck");
    signal("STOP", uid);
    await().atMost(SOON).until(() -> !Readiness.getInstance().isReady(pod("stuck")));
    await().atMost(STUCK).until(() -> gateway("stuck").getRestartCount() == 1);
    configure(sidecar(uid, Optional.of(first)), "stuck", uid);
    awaitReady("stuck");
    assertThat(agent("stuck").orElseThrow().getRestartCount()).isZero();
    String events =
        cluster
            .client()
            .v1()
            .events()
            .withField("involvedObject.uid", uid)
            .list()
            .getItems()
            .stream()
            .map(event -> event.getReason() + " " + event.getMessage())
            .toList()
            .toString();
    assertThat(events).contains("Unhealthy Liveness probe failed", "not alive");
  }

  /** To the one Java process of that pod, which this machine sees from outside. */
  private static void signal(String signal, String uid) throws Exception {
    List<Long> processes =
        ProcessHandle.allProcesses()
            .filter(process -> isGatewayOf(process.pid(), uid))
            .map(ProcessHandle::pid)
            .toList();
    assertThat(processes).hasSize(1);
    Process kill =
        new ProcessBuilder("kill", "-" + signal, processes.get(0).toString()).inheritIO().start();
    assertThat(kill.waitFor()).isZero();
  }

  private static boolean isGatewayOf(long pid, String uid) {
    Path process = Path.of("/proc", Long.toString(pid));
    try {
      return text(process.resolve("environ")).contains("\0POD_UID=" + uid + "\0")
          && text(process.resolve("cmdline")).contains("dev.chaperone.sidecar.Main");
    } catch (IOException e) {
      // It has ended in between.
      return false;
    }
  }

  private static String text(Path file) throws IOException {
    return "\0" + new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }
}
