package dev.chaperone.operator.program;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.HttpsClients;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.client.Config;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The program as it is packaged, started as a process. */
@UsesTestCluster
class ProgramIT {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Path JAR =
      Path.of("target", "quarkus-app", "quarkus-run.jar").toAbsolutePath();

  private final TestCluster cluster;
  private final HttpClient client = HttpClient.newHttpClient();
  private final Path log;
  private Process process;
  private int management;
  private int webhooks;
  private int channel;

  ProgramIT(TestCluster cluster) {
    this.cluster = cluster;
    cluster.applyCustomResourceDefinitions();
    this.log = Path.of("target", "program-" + cluster.namespace() + ".log");
  }

  @AfterEach
  void stop() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private void start(Map<String, String> environment) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "-jar", JAR.toString()));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.to(log.toFile()));
    management = freePort();
    webhooks = freePort();
    channel = freePort();
    builder.environment().put("KUBECONFIG", cluster.kubeconfig().toString());
    builder.environment().put("CHAPERONE_NAMESPACE", cluster.namespace());
    builder.environment().put("CHAPERONE_SIDECAR_IMAGE", "registry.example/sidecar:1");
    builder.environment().put("CHAPERONE_WEBHOOK_PORT", Integer.toString(webhooks));
    builder.environment().put("CHAPERONE_CHANNEL_PORT", Integer.toString(channel));
    builder.environment().put("CHAPERONE_WEBHOOK_CONFIGURATION", cluster.namespace());
    builder.environment().put("CHAPERONE_CERTIFICATES_NAMES", "127.0.0.1");
    builder.environment().put("QUARKUS_HTTP_PORT", Integer.toString(management));
    // What Kubernetes puts into every pod of the namespace of the Service.
    builder.environment().put("CHAPERONE_OPERATOR_SERVICE_HOST", "10.0.0.1");
    builder.environment().put("CHAPERONE_OPERATOR_PORT", "tcp://10.0.0.1:443");
    builder.environment().putAll(environment);
    process = builder.start();
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + management + path)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private void awaitReady() {
    Awaitility.await()
        .atMost(PATIENCE)
        .ignoreExceptions()
        .until(
            () -> {
              if (!process.isAlive()) {
                throw new AssertionError(Files.readString(log));
              }
              return get("/health/ready").statusCode() == 200;
            });
  }

  @Test
  void itStartsSaysHowItIsAnswersAndEndsWhenItIsTold() throws Exception {
    start(Map.of());
    awaitReady();
    assertThat(get("/health/live").statusCode()).isEqualTo(200);
    assertThat(get("/health/started").statusCode()).isEqualTo(200);
    assertThat(get("/health/ready").body())
        .contains("\"certificates\": \"ready\"", "\"control\": \"ready\"");
    Secret secret =
        cluster.client().secrets().inNamespace(cluster.namespace()).withName("chaperone-ca").get();
    String authority =
        new String(
            Base64.getDecoder().decode(secret.getData().get("tls.crt")), StandardCharsets.US_ASCII);
    assertThat(HttpsClients.status(webhooks, authority, OperatorServer.MUTATE_PODS))
        .isEqualTo("200");
    assertThat(get("/metrics").body())
        .contains("chaperone_certificate_end_seconds{certificate=\"authority\"}")
        .contains("chaperone_certificate_end_seconds{certificate=\"serving\"}");
    // SIGTERM, as Kubernetes sends it.
    process.destroy();
    assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(Files.readString(log)).contains("operator started").doesNotContain("ERROR");
  }

  @Test
  void itDoesItsWorkAsTheAccountThatTheChartGivesIt() throws Exception {
    try (Chart chart = Chart.install(cluster, Chart.OPERATOR_ROLES)) {
      start(
          Map.of(
              "KUBECONFIG",
              kubeconfigOf("chaperone-operator").toString(),
              "CHAPERONE_WEBHOOK_CONFIGURATION",
              "chaperone-pods"));
      awaitReady();
      Answer created =
          cluster
              .api()
              .create(
                  "/apis/chaperone.dev/v1alpha1/namespaces/"
                      + cluster.namespace()
                      + "/agentconnections",
                  """
                  apiVersion: chaperone.dev/v1alpha1
                  kind: AgentConnection
                  metadata: {name: orders-db}
                  spec:
                    protocol: PostgreSQL
                    target: {host: orders.example.com, port: 5432, database: orders}
                    credentials: {secretRef: {name: s, usernameKey: username, passwordKey: password}}
                    agents: {podSelector: {matchLabels: {app: support}}}
                    listen: {port: 15432}
                  """);
      assertThat(created.accepted()).as(created.toString()).isTrue();
      Awaitility.await()
          .atMost(PATIENCE)
          .untilAsserted(
              () -> {
                AgentConnection connection =
                    cluster.client().resources(AgentConnection.class).withName("orders-db").get();
                assertThat(connection.getStatus()).isNotNull();
                assertThat(connection.getStatus().conditions())
                    .anySatisfy(
                        condition -> {
                          assertThat(condition.type()).isEqualTo("Accepted");
                          assertThat(condition.status()).isEqualTo(ConditionStatus.TRUE);
                        });
                assertThat(
                        cluster
                            .client()
                            .namespaces()
                            .withName(cluster.namespace())
                            .get()
                            .getMetadata()
                            .getLabels())
                    .containsEntry("chaperone.dev/guarded", "true");
              });
      process.destroy();
      assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(Files.readString(log)).doesNotContainIgnoringCase("forbidden");
    }
  }

  /** A kubeconfig with nothing but a token of a service account. */
  private Path kubeconfigOf(String account) throws IOException {
    Config admin = cluster.client().getConfiguration();
    String token =
        cluster
            .client()
            .serviceAccounts()
            .inNamespace(cluster.namespace())
            .withName(account)
            .tokenRequest(new TokenRequestBuilder().withNewSpec().endSpec().build())
            .getStatus()
            .getToken();
    Path file = Path.of("target", "kubeconfig-" + cluster.namespace()).toAbsolutePath();
    Files.writeString(
        file,
        """
        apiVersion: v1
        kind: Config
        current-context: operator
        clusters:
        - name: cluster
          cluster: {server: "%s", certificate-authority-data: "%s"}
        users:
        - name: operator
          user: {token: "%s"}
        contexts:
        - name: operator
          context: {cluster: cluster, user: operator}
        """
            .formatted(admin.getMasterUrl(), authority(admin), token));
    return file;
  }

  private static String authority(Config admin) throws IOException {
    return admin.getCaCertData() != null
        ? admin.getCaCertData()
        : Base64.getEncoder().encodeToString(Files.readAllBytes(Path.of(admin.getCaCertFile())));
  }

  @Test
  void aDamagedAuthorityKeepsItFromBeingReadyAndSaysWhy() throws Exception {
    start(Map.of());
    awaitReady();
    cluster
        .client()
        .secrets()
        .inNamespace(cluster.namespace())
        .withName("chaperone-ca")
        .edit(
            secret -> {
              secret.getData().remove("tls.key");
              return secret;
            });
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              HttpResponse<String> ready = get("/health/ready");
              assertThat(ready.statusCode()).isEqualTo(503);
              assertThat(ready.body()).contains("tls.key is missing");
            });
    assertThat(get("/health/live").statusCode()).isEqualTo(200);
    cluster.client().secrets().inNamespace(cluster.namespace()).withName("chaperone-ca").delete();
    awaitReady();
  }

  @Test
  void aWrongSettingIsSaidAndTheProgramEnds() throws Exception {
    start(Map.of("CHAPERONE_SIDECAR_UID", "0"));
    assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isNotZero();
    assertThat(Files.readString(log)).contains("uid must be from 10000 to 65533");
  }
}
