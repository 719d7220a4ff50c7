package dev.chaperone.operator.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.Output;
import dev.chaperone.operator.testing.TestCluster;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.postgresql.Driver;

/**
 * The product as a user has it: both images of this checkout on the node, the chart installed by
 * helm, and a PostgreSQL with the sample data of the quickstart in a pod.
 */
final class Installation implements AutoCloseable {
  static final String SYSTEM = "chaperone-system";
  static final String SHOP = "shop";
  static final String EXAMPLE_IMAGE = "chaperone.test/example:it";

  /** Long enough for a machine with other work. No test is quicker or slower for it. */
  static final Duration SOON = Duration.ofMinutes(6);

  static final String RELEASE = "chaperone";

  private static final String SETTINGS =
      "operator.image=chaperone.test/operator:it,operator.imagePullPolicy=Never,"
          + "sidecar.image=chaperone.test/sidecar:it,sidecar.imagePullPolicy=Never";

  /** Recordings leave the pods, and can be read. */
  private static final String STORE =
      ",recordings.store.enabled=true,recordings.store.storageClassName=chaperone-test,"
          + "recordings.store.volumeSize=1Gi,recordings.store.size=900Mi,recordings.api.enabled=true,"
          // So that as many agents as are to start at once have room on a small machine.
          + "sidecar.cpuRequest=10m";

  private static final int REPLICAS = 2;
  private static final Path QUICKSTART = Path.of("../examples/quickstart");
  private static final Path WORK = Path.of("target", "node");

  private final TestCluster cluster;
  private final boolean stores;
  private final Path chart;
  private final List<String> namespaces = new ArrayList<>();

  private Installation(TestCluster cluster, boolean stores, Path chart) {
    this.cluster = cluster;
    this.stores = stores;
    this.chart = chart;
  }

  Installation(TestCluster cluster) {
    this(cluster, false, Chart.DIRECTORY);
  }

  /** With volumes for recordings, and the API by which they are read. */
  static Installation withStore(TestCluster cluster) {
    return new Installation(cluster, true, Chart.DIRECTORY);
  }

  /** By another chart than that of this checkout. */
  static Installation by(TestCluster cluster, Path chart) {
    return new Installation(cluster, false, chart);
  }

  /** Installs all of it, and waits until it is there. */
  void install() throws IOException {
    Files.createDirectories(WORK);
    images();
    awaitNamespacesThatEnd();
    cluster.applyCustomResourceDefinitions();
    ours(SYSTEM);
    if (stores) {
      volumes();
    }
    helm("install", chart, "--create-namespace");
    database();
    awaitOperator();
  }

  /** {@code helm upgrade} to the chart of this checkout. */
  void upgrade() {
    cluster.applyCustomResourceDefinitions();
    helm("upgrade", Chart.DIRECTORY);
  }

  private void helm(String verb, Path which, String... more) {
    List<String> command =
        new ArrayList<>(
            List.of(
                verb,
                RELEASE,
                which.toString(),
                "--namespace",
                SYSTEM,
                "--set",
                stores ? SETTINGS + STORE : SETTINGS));
    command.addAll(List.of(more));
    Output output = cluster.helm(command.toArray(String[]::new));
    assertThat(output.exit()).as(output.toString()).isZero();
  }

  /** Directories of this machine, one for each replica: the node makes no volumes by itself. */
  private void volumes() throws IOException {
    Path volumes = Files.createDirectories(WORK.resolve("volumes"));
    for (int i = 0; i < REPLICAS; i++) {
      Path directory = Files.createTempDirectory(volumes, "volume");
      apply(
          """
          apiVersion: v1
          kind: PersistentVolume
          metadata: {name: chaperone-test-%d}
          spec:
            capacity: {storage: 1Gi}
            accessModes: [ReadWriteOnce]
            storageClassName: chaperone-test
            local: {path: "%s"}
            nodeAffinity:
              required:
                nodeSelectorTerms:
                - matchExpressions:
                  - {key: kubernetes.io/hostname, operator: Exists}
          """
              .formatted(i, directory.toAbsolutePath()));
    }
  }

  /** Of an installation before this one: nothing is made in a namespace that ends. */
  private void awaitNamespacesThatEnd() {
    await()
        .atMost(SOON)
        .untilAsserted(
            () ->
                assertThat(cluster.client().namespaces().list().getItems())
                    .noneMatch(one -> one.getStatus().getPhase().equals("Terminating")));
  }

  private void images() throws IOException {
    Path classes = Files.createDirectories(WORK.resolve("agent/dev/chaperone/operator/node"));
    for (Path compiled : programs()) {
      Files.copy(
          compiled, classes.resolve(compiled.getFileName()), StandardCopyOption.REPLACE_EXISTING);
    }
    Path driver =
        Path.of(Driver.class.getProtectionDomain().getCodeSource().getLocation().getPath());
    CompletableFuture<Void> operator =
        CompletableFuture.runAsync(
            () -> cluster.makeImage("operator", "chaperone.test/operator:it"));
    CompletableFuture<Void> sidecar =
        CompletableFuture.runAsync(() -> cluster.makeImage("sidecar", "chaperone.test/sidecar:it"));
    cluster.makeExampleImage(
        EXAMPLE_IMAGE, List.of(WORK.resolve("agent").toAbsolutePath(), driver));
    operator.join();
    sidecar.join();
  }

  /** What runs in agents, with the classes that are within. */
  private static List<Path> programs() throws IOException {
    Path directory =
        Path.of(JdbcAgent.class.getProtectionDomain().getCodeSource().getLocation().getPath())
            .resolve(JdbcAgent.class.getPackageName().replace('.', '/'));
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> file.getFileName().toString().matches("(JdbcAgent|HostileAgent)[.$].*"))
          .toList();
    }
  }

  private void database() throws IOException {
    namespace(SHOP);
    apply(
        """
        apiVersion: v1
        kind: Service
        metadata: {name: orders-db, namespace: shop}
        spec: {selector: {app: orders-db}, ports: [{port: 5432}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: orders-db, namespace: shop, labels: {app: orders-db}}
        spec:
          securityContext: {runAsNonRoot: true, runAsUser: 1000}
          containers:
          - name: postgresql
            image: %s
            imagePullPolicy: Never
            command: [database]
            readinessProbe:
              exec: {command: [pg_isready, -h, /tmp, -U, postgres]}
              periodSeconds: 2
              timeoutSeconds: 30
              failureThreshold: 10
            volumeMounts: [{name: data, mountPath: /data}]
          volumes: [{name: data, emptyDir: {}}]
        """
            .formatted(EXAMPLE_IMAGE));
    awaitReady(SHOP, "orders-db");
    administer(
        "postgres",
        "CREATE ROLE orders_app LOGIN PASSWORD 'change-me'",
        "CREATE DATABASE orders OWNER orders_app");
    administer(
        "orders",
        "SET SESSION AUTHORIZATION orders_app",
        Files.readString(QUICKSTART.resolve("sample-data.sql")));
  }

  /**
   * Executes SQL as the administrator of the database, past the gateway. Returns what it printed.
   */
  String administer(String database, String... statements) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "--namespace",
                SHOP,
                "exec",
                "orders-db",
                "--",
                "psql",
                "-h",
                "/tmp",
                "-U",
                "postgres",
                "-d",
                database,
                "-XAtq",
                "-v",
                "ON_ERROR_STOP=1"));
    for (String statement : statements) {
      command.add("-c");
      command.add(statement);
    }
    return kubectl(command.toArray(String[]::new)).strip();
  }

  /** Until the kubelet finds both replicas ready and the API server knows whom to ask. */
  void awaitOperator() {
    await()
        .atMost(SOON)
        .untilAsserted(
            () -> {
              JsonNode status =
                  cluster
                      .api()
                      .get(
                          "/apis/apps/v1/namespaces/"
                              + SYSTEM
                              + (stores ? "/statefulsets/" : "/deployments/")
                              + "chaperone-operator")
                      .body();
              assertThat(status.at("/status/readyReplicas").asInt()).isEqualTo(REPLICAS);
              assertThat(status.at("/status/updatedReplicas").asInt()).isEqualTo(REPLICAS);
              assertThat(status.at("/status/replicas").asInt()).isEqualTo(REPLICAS);
              assertThat(status.at("/status/observedGeneration").asLong())
                  .isEqualTo(status.at("/metadata/generation").asLong());
            });
  }

  /** A namespace that is removed at the end, and dumped when a test fails. */
  void namespace(String name) throws IOException {
    ours(name);
    apply("{apiVersion: v1, kind: Namespace, metadata: {name: %s}}".formatted(name));
  }

  /** Somebody else has made it. */
  void ours(String namespace) {
    namespaces.add(namespace);
    cluster.alsoDump(namespace);
  }

  /**
   * The folder of the quickstart, applied with what a user would change: where the database is, and
   * the agent's image.
   */
  void quickstart() throws IOException {
    ours("support");
    Path folder = Files.createDirectories(WORK.resolve("quickstart"));
    try (Stream<Path> files = Files.list(QUICKSTART)) {
      for (Path file : files.filter(one -> one.toString().endsWith(".yaml")).toList()) {
        Files.writeString(
            folder.resolve(file.getFileName().toString()), adapted(Files.readString(file)));
      }
    }
    apply(folder);
  }

  /** The quickstart's agent under another name. */
  void anotherAgent(String name) throws IOException {
    anotherAgent(name, "support-agent");
  }

  /** The same with another label, too. */
  void anotherAgent(String name, String app) throws IOException {
    String pod = adapted(Files.readString(QUICKSTART.resolve("support-agent.yaml")));
    apply(
        pod.replace("  name: support-agent\n", "  name: " + name + "\n")
            .replace("app: support-agent", "app: " + app));
  }

  private static String adapted(String yaml) {
    return yaml.replace("host: orders-db.example.internal", "host: orders-db." + SHOP + ".svc")
        .replace(
            "image: registry.example/support-agent:1.0",
            "image: %s%n      imagePullPolicy: Never%n      command: [sleep, infinity]"
                .formatted(EXAMPLE_IMAGE));
  }

  /** As {@code kubectl apply -f}. */
  void apply(String yaml) throws IOException {
    Path file = Files.createTempFile(WORK, "apply", ".yaml");
    Files.writeString(file, yaml);
    apply(file);
  }

  /** Again where the operator has no time for it: it refuses what it cannot judge, and says so. */
  private void apply(Path what) {
    await()
        .atMost(SOON)
        .untilAsserted(() -> kubectl("apply", "--namespace=", "-f", what.toString()));
  }

  /** Runs kubectl as the administrator, and expects that it succeeds. Returns what it printed. */
  String kubectl(String... arguments) {
    Output output = cluster.kubectl(arguments);
    assertThat(output.exit()).as(List.of(arguments) + ": " + output).isZero();
    return output.out();
  }

  Pod pod(String namespace, String name) {
    return cluster.client().pods().inNamespace(namespace).withName(name).get();
  }

  void awaitReady(String namespace, String name) {
    await()
        .atMost(SOON)
        .untilAsserted(
            () ->
                assertThat(pod(namespace, name))
                    .matches(Readiness.getInstance()::isReady, namespace + "/" + name));
  }

  /** Takes everything away again; what a namespace holds ends a little later. */
  @Override
  public void close() {
    try {
      for (String namespace : namespaces) {
        if (!namespace.equals(SYSTEM)) {
          cluster.kubectl("delete", "namespace", namespace, "--wait=false", "--ignore-not-found");
        }
      }
      cluster.helm("uninstall", RELEASE, "--namespace", SYSTEM);
      cluster.kubectl("delete", "namespace", SYSTEM, "--wait=false", "--ignore-not-found");
      for (int i = 0; stores && i < REPLICAS; i++) {
        cluster.kubectl("delete", "persistentvolume", "chaperone-test-" + i, "--wait=false");
      }
      try (Stream<Path> files = Files.list(WORK)) {
        for (Path file : files.filter(one -> one.toString().endsWith(".yaml")).toList()) {
          Files.delete(file);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
