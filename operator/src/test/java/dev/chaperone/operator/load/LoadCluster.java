package dev.chaperone.operator.load;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.OperatorProgram;
import dev.chaperone.operator.testing.Relay;
import dev.chaperone.operator.testing.TestCluster;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/**
 * A control plane with the chart in it, and replicas of the packaged operator, each with the rights
 * that the chart gives. The API server and sidecars reach them as through a Service. One policy of
 * the chart is left out: that nodes alone ask for tokens of gateways. There are none here.
 */
final class LoadCluster implements AutoCloseable {
  static final String AGENT = "support-agent";
  static final String CONNECTION = "orders";
  static final String POLICY = "agents";
  static final String DBA = "dba";
  static final Duration PATIENCE = Duration.ofMinutes(3);

  private static final String WEBHOOKS = "chaperone-pods";

  private final TestCluster cluster;
  private final int memoryLimit;
  private final List<Chart> charts = new ArrayList<>();
  private final List<OperatorProgram> replicas = new ArrayList<>();
  private final Relay channel = Relay.to();
  private final Relay webhooks = Relay.to();

  private LoadCluster(TestCluster cluster, int memoryLimit) {
    this.cluster = cluster;
    this.memoryLimit = memoryLimit;
  }

  /**
   * Begins with a cluster of the tests.
   *
   * @param cluster closed with this
   * @param memoryLimit of each replica, in MiB
   */
  static LoadCluster in(TestCluster cluster, int memoryLimit) {
    LoadCluster load = new LoadCluster(cluster, memoryLimit);
    cluster.applyCustomResourceDefinitions();
    load.charts.add(
        Chart.install(
            cluster,
            Chart.POLICIES.and(document -> !document.contains("chaperone-gateway-tokens"))));
    load.charts.add(Chart.install(cluster, Chart.OPERATOR_ROLES, "recordings.store.enabled=true"));
    return load;
  }

  TestCluster cluster() {
    return cluster;
  }

  KubernetesClient admin() {
    return cluster.client();
  }

  /** Where sidecars connect, whichever replica answers. */
  int channelPort() {
    return channel.port();
  }

  /** Starts a replica and waits until it is ready. Nobody is sent to it yet. */
  OperatorProgram replica(String name) throws IOException, InterruptedException {
    OperatorProgram program =
        OperatorProgram.start(
            cluster,
            name,
            memoryLimit,
            Map.of(
                "KUBECONFIG",
                cluster.kubeconfigOf("chaperone-operator", cluster.server()).toString(),
                "CHAPERONE_WEBHOOK_CONFIGURATION",
                WEBHOOKS,
                "CHAPERONE_RECORDINGS_DIRECTORY",
                Files.createTempDirectory(Path.of("target"), name).toAbsolutePath().toString()));
    replicas.add(program);
    program.awaitReady();
    return program;
  }

  /** New connections go to these from now on. */
  void serve(OperatorProgram... ready) {
    channel.leadTo(Stream.of(ready).map(OperatorProgram::channelPort).toArray(Integer[]::new));
    webhooks.leadTo(Stream.of(ready).map(OperatorProgram::webhookPort).toArray(Integer[]::new));
  }

  /** Has the API server ask the operator about pods, connections and policies. */
  void installWebhooks() throws IOException, InterruptedException {
    charts.add(Chart.installWebhooks(cluster, "https://127.0.0.1:" + webhooks.port()));
    await(
        "the webhooks are known",
        () ->
            admin()
                .admissionRegistration()
                .v1()
                .mutatingWebhookConfigurations()
                .withName(WEBHOOKS)
                .get()
                .getWebhooks()
                .stream()
                .allMatch(one -> one.getClientConfig().getCaBundle() != null));
  }

  /** Certificates by which sidecars know the operator. */
  Path authorities() throws IOException {
    Secret secret =
        admin().secrets().inNamespace(cluster.namespace()).withName("chaperone-ca").get();
    Path file = Path.of("target", "authorities-" + cluster.namespace() + ".crt").toAbsolutePath();
    return Files.write(file, Base64.getDecoder().decode(secret.getData().get("tls.crt")));
  }

  /** Makes a namespace with the agents' account, where the DBAs approve. */
  String namespace(String name) {
    String namespace = name + "-" + cluster.namespace();
    admin()
        .resource(
            new NamespaceBuilder().withNewMetadata().withName(namespace).endMetadata().build())
        .create();
    admin()
        .resource(
            new ServiceAccountBuilder()
                .withNewMetadata()
                .withNamespace(namespace)
                .withName(AGENT)
                .endMetadata()
                .build())
        .create();
    Api.Answer bound =
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
    if (!bound.accepted()) {
      throw new IllegalStateException(bound.toString());
    }
    return namespace;
  }

  /**
   * Applies a connection.
   *
   * @param app the label of its agents
   * @param lease what an edit may change
   */
  AgentConnection connection(String namespace, String name, String app, int port, int lease) {
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
          agents: {podSelector: {matchLabels: {app: %s}}}
          listen: {port: %d}
          leaseSeconds: %d
        """
            .formatted(name, namespace, app, port, lease));
  }

  /**
   * Applies a policy of several rules, one with a condition.
   *
   * @param message what an edit may change
   */
  AccessPolicy policy(String namespace, String name, String connection, String message) {
    return apply(
        AccessPolicy.class,
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: %s, namespace: %s}
        spec:
          connections: [%s]
          subjects: [{kind: ServiceAccount, name: %s}]
          rules:
            - {name: no-schema, effects: [Schema, Privilege], action: Deny, message: "%s"}
            - {name: history, effects: [Read], resources: ["public.history"], when: "operation.sql.hasWhere", action: Allow}
            - {name: reads, effects: [Read], resources: ["public.*"], action: Allow}
            - {name: writes, effects: [Write], action: RequireApproval, approval: {approvers: {groups: [%s]}}}
          masking:
            - {columns: ["public.people.email"], with: Partial}
        """
            .formatted(name, namespace, connection, AGENT, message, DBA));
  }

  private <T extends HasMetadata> T apply(Class<T> type, String yaml) {
    return admin().resource(Serialization.unmarshal(yaml, type)).forceConflicts().serverSideApply();
  }

  /** An agent's pod as its author writes it. */
  static Pod pod(String namespace, String name, String account) {
    return Serialization.unmarshal(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: %s, namespace: %s, labels: {app: support}}
        spec:
          serviceAccountName: %s
          automountServiceAccountToken: false
          containers:
            - name: agent
              image: registry.example/agent:1
              env: [{name: MODEL, value: any}]
              resources: {requests: {cpu: 100m, memory: 128Mi}}
        """
            .formatted(name, namespace, account),
        Pod.class);
  }

  /** Decides as a person does with kubectl patch. */
  void decide(String namespace, String request, String user) {
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
                [{"op":"add","path":"/spec/decisions/-","value":{"by":"%s","verdict":"Approve"}}]
                """
                    .formatted(user));
    if (!answer.accepted()) {
      throw new IllegalStateException(answer.toString());
    }
  }

  /** Waits until something is so; what is not there yet may throw. */
  static void await(String what, Callable<Boolean> condition)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      Exception last = null;
      try {
        if (condition.call()) {
          return;
        }
      } catch (InterruptedException e) {
        throw e;
      } catch (Exception e) {
        last = e;
      }
      if (System.nanoTime() > deadline) {
        throw new IOException("after " + PATIENCE + " it is not so: " + what, last);
      }
      Thread.sleep(20);
    }
  }

  @Override
  public void close() {
    // First, so that nothing waits for an operator that is gone.
    charts.forEach(Chart::close);
    replicas.forEach(OperatorProgram::close);
    channel.close();
    webhooks.close();
    cluster.close();
  }
}
