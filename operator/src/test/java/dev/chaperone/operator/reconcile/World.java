package dev.chaperone.operator.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.ApprovalRequest;
import dev.chaperone.operator.channel.Authenticator;
import dev.chaperone.operator.channel.ChannelServer;
import dev.chaperone.operator.channel.ChannelSettings;
import dev.chaperone.operator.channel.ConfigMapKeyBindings;
import dev.chaperone.operator.channel.KubernetesPodLookup;
import dev.chaperone.operator.channel.KubernetesTokenReviewer;
import dev.chaperone.operator.channel.ServerIdentity;
import dev.chaperone.operator.channel.TestAuthority;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.TestCluster;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * A cluster with the chart's admission policies, replicas of the operator that run as its service
 * account with the rights that operator/README.md says, and agents' pods in namespaces of their
 * own.
 */
final class World implements AutoCloseable {
  static final TestAuthority AUTHORITY = new TestAuthority();
  static final String OPERATOR = "chaperone-operator";
  static final String AGENT = "support-agent";
  static final String DBA = "dba";
  static final Duration PATIENCE = Duration.ofSeconds(60);

  private final TestCluster cluster;
  private final Chart chart;
  private final List<Replica> replicas = new ArrayList<>();
  private final List<String> namespaces = new ArrayList<>();

  World(TestCluster cluster) throws Exception {
    this.cluster = cluster;
    cluster.applyCustomResourceDefinitions();
    cluster.createServiceAccount(OPERATOR);
    chart = Chart.install(cluster, World::isOfThisTest);
    for (String document : rights().split("\n---\n", -1)) {
      boolean everywhere = document.contains("kind: ClusterRole\n");
      // Of this test alone: another one may run with the same rights.
      String name = cluster.namespace() + "-operator";
      create(
          everywhere ? "clusterroles" : "roles",
          everywhere,
          document.replace("name: chaperone-operator\n", "name: " + name + "\n"));
      create(
          everywhere ? "clusterrolebindings" : "rolebindings",
          everywhere,
          """
          apiVersion: rbac.authorization.k8s.io/v1
          kind: %s
          metadata: {name: %s}
          roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}
          subjects: [{kind: ServiceAccount, name: %s, namespace: %s}]
          """
              .formatted(
                  everywhere ? "ClusterRoleBinding" : "RoleBinding",
                  name,
                  everywhere ? "ClusterRole" : "Role",
                  name,
                  OPERATOR,
                  cluster.namespace()));
    }
  }

  /** What the documentation says that the operator needs. */
  static String rights() throws Exception {
    String readme = Files.readString(Path.of("README.md"));
    int begin = readme.indexOf("```yaml\n") + "```yaml\n".length();
    return readme.substring(begin, readme.indexOf("```", begin));
  }

  private void create(String plural, boolean everywhere, String yaml) {
    String path =
        "/apis/rbac.authorization.k8s.io/v1/"
            + (everywhere ? "" : "namespaces/" + cluster.namespace() + "/")
            + plural;
    Api.Answer answer = cluster.api().create(path, yaml);
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  TestCluster cluster() {
    return cluster;
  }

  KubernetesClient admin() {
    return cluster.client();
  }

  /** One replica: its own work and its own server, as one process has them. */
  final class Replica implements AutoCloseable {
    private final ControlLoop loop;
    private final ChannelServer server;
    private final MeterRegistry metrics = new SimpleMeterRegistry();

    Replica(ControlSettings settings, Optional<RecordingStore> store) throws Exception {
      KubernetesClient client = cluster.as(cluster.serviceAccount(OPERATOR));
      loop = ControlLoop.start(client, settings, store, metrics);
      ServerIdentity identity = AUTHORITY.server("127.0.0.1");
      server =
          ChannelServer.listen(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
              () -> identity,
              new Authenticator(
                  new KubernetesTokenReviewer(client),
                  new KubernetesPodLookup(client, "chaperone"),
                  new ConfigMapKeyBindings(client, cluster.namespace())),
              loop.sidecars(),
              ChannelSettings.STANDARD);
    }

    /** What it counts. */
    MeterRegistry metrics() {
      return metrics;
    }

    int port() {
      return server.port();
    }

    ControlLoop loop() {
      return loop;
    }

    @Override
    public void close() {
      server.close();
      loop.close();
    }
  }

  /** Starts a replica that decides quickly. */
  Replica replica(String name) throws Exception {
    return replica(settings(name, Clock.systemUTC()));
  }

  ControlSettings settings(String name, Clock clock) {
    return settings(name, clock, Duration.ofSeconds(2));
  }

  ControlSettings settings(String name, Clock clock, Duration patience) {
    return new ControlSettings(
        cluster.namespace(),
        name,
        Duration.ofDays(7),
        Duration.ofDays(30),
        Duration.ofSeconds(5),
        Duration.ofSeconds(1),
        patience,
        clock);
  }

  Replica replica(ControlSettings settings) throws Exception {
    return replica(settings, Optional.empty());
  }

  /** One that keeps recordings. */
  Replica replica(ControlSettings settings, Optional<RecordingStore> store) throws Exception {
    Replica replica = new Replica(settings, store);
    replicas.add(replica);
    return replica;
  }

  /** A namespace with the agents' service account. */
  String namespace() {
    String name = "agents-" + UUID.randomUUID().toString().substring(0, 8);
    admin()
        .resource(new NamespaceBuilder().withNewMetadata().withName(name).endMetadata().build())
        .create();
    admin()
        .resource(
            new ServiceAccountBuilder()
                .withNewMetadata()
                .withNamespace(name)
                .withName(AGENT)
                .endMetadata()
                .build())
        .create();
    namespaces.add(name);
    return name;
  }

  /** An agent's pod, with a gateway that was made for these connections. */
  Agent agent(String namespace, String name, String... connections) throws Exception {
    StringBuilder items = new StringBuilder();
    for (String connection : connections) {
      items
          .append("{secret: {name: s, items: [{key: username, path: ")
          .append(connection)
          .append("/s/username}]}}, ");
    }
    Pod pod =
        Serialization.unmarshal(
            """
            apiVersion: v1
            kind: Pod
            metadata:
              name: %s
              namespace: %s
              labels: {app: support, chaperone.dev/injection: injected}
            spec:
              serviceAccountName: %s
              automountServiceAccountToken: false
              initContainers:
                - {name: chaperone, image: none.invalid/chaperone, restartPolicy: Always}
              containers: [{name: agent, image: none.invalid/agent}]
              volumes:
                - name: chaperone-secrets
                  projected: {sources: [%s]}
            """
                .formatted(name, namespace, AGENT, items),
            Pod.class);
    return new Agent(admin().resource(pod).create());
  }

  /** An agent's pod, and what its sidecar proves itself with. */
  final class Agent {
    final Pod pod;
    final KeyPair key = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();

    Agent(Pod pod) throws Exception {
      this.pod = pod;
    }

    String uid() {
      return pod.getMetadata().getUid();
    }

    /** A token of the pod for the operator; the administrator stands in for a kubelet. */
    String token() {
      return admin()
          .serviceAccounts()
          .inNamespace(pod.getMetadata().getNamespace())
          .withName(AGENT)
          .tokenRequest(
              new TokenRequestBuilder()
                  .withNewSpec()
                  .withAudiences("chaperone")
                  .withNewBoundObjectRef("v1", "Pod", pod.getMetadata().getName(), uid())
                  .endSpec()
                  .build())
          .getStatus()
          .getToken();
    }

    Talk connect(Replica replica) throws Exception {
      return new Talk(replica.port(), key, token(), uid());
    }
  }

  /** There is no node here that could ask for the tokens of its pods. */
  private static boolean isOfThisTest(String document) {
    return Chart.POLICIES.test(document) && !document.contains("chaperone-gateway-tokens");
  }

  // Resources.

  AgentConnection connection(String namespace, String name, int port) {
    return apply(
        AgentConnection.class,
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AgentConnection
        metadata: {name: %s, namespace: %s}
        spec:
          protocol: PostgreSQL
          target: {host: orders.example.com, port: 5432, database: orders}
          credentials: {secretRef: {name: s, usernameKey: username, passwordKey: password}}
          agents: {podSelector: {matchLabels: {app: support}}}
          listen: {port: %d}
        """
            .formatted(name, namespace, port));
  }

  AccessPolicy policy(String namespace, String name, String connection, String action) {
    return apply(
        AccessPolicy.class,
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: %s, namespace: %s}
        spec:
          connections: [%s]
          subjects: [{kind: ServiceAccount, name: %s}]
          rules: [{name: reads, effects: [Read], action: %s}]
        """
            .formatted(name, namespace, connection, AGENT, action));
  }

  <T extends io.fabric8.kubernetes.api.model.HasMetadata> T apply(Class<T> type, String yaml) {
    T resource = Serialization.unmarshal(yaml, type);
    return admin().resource(resource).forceConflicts().serverSideApply();
  }

  AgentSession session(String namespace, String name) {
    return admin().resources(AgentSession.class).inNamespace(namespace).withName(name).get();
  }

  ApprovalRequest request(String namespace, String name) {
    return admin().resources(ApprovalRequest.class).inNamespace(namespace).withName(name).get();
  }

  /** Lets the DBAs approve in a namespace. */
  void approvers(String namespace) {
    Api.Answer answer =
        cluster
            .api()
            .create(
                "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/rolebindings",
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: RoleBinding
                metadata: {name: approve}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: chaperone-approver}
                subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: %s}]
                """
                    .formatted(DBA));
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  /** Decides as a person of the DBAs would with kubectl patch. */
  void decide(String namespace, String request, String user, String verdict) {
    Api.Answer answer =
        cluster
            .apiAs(user, DBA)
            .patch(
                "/apis/chaperone.dev/v1alpha1/namespaces/"
                    + namespace
                    + "/approvalrequests/"
                    + request,
                Api.JSON_PATCH,
                """
                [{"op":"add","path":"/spec/decisions/-","value":{"by":"%s","verdict":"%s"}}]
                """
                    .formatted(user, verdict));
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  @Override
  public void close() {
    replicas.forEach(Replica::close);
    namespaces.forEach(name -> admin().namespaces().withName(name).delete());
    String name = cluster.namespace() + "-operator";
    admin().rbac().clusterRoleBindings().withName(name).delete();
    admin().rbac().clusterRoles().withName(name).delete();
    chart.close();
  }
}
