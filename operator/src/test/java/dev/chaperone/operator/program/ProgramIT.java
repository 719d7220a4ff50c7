package dev.chaperone.operator.program;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.operator.certificates.TestIssuer;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.HttpsClients;
import dev.chaperone.operator.testing.OperatorProgram;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import io.fabric8.kubernetes.api.model.Secret;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The program as it is packaged, started as a process. */
@UsesTestCluster
class ProgramIT {
  private static final Duration PATIENCE = OperatorProgram.PATIENCE;
  private final TestCluster cluster;
  private OperatorProgram program;

  ProgramIT(TestCluster cluster) {
    this.cluster = cluster;
    cluster.applyCustomResourceDefinitions();
  }

  @AfterEach
  void stop() {
    if (program != null) {
      program.kill();
    }
  }

  private void start(Map<String, String> environment) throws IOException {
    Map<String, String> all = new HashMap<>();
    all.put("KUBECONFIG", cluster.kubeconfig().toString());
    all.put("CHAPERONE_WEBHOOK_CONFIGURATION", cluster.namespace());
    all.putAll(environment);
    program = OperatorProgram.start(cluster, "program", all);
  }

  @Test
  void itStartsSaysHowItIsAnswersAndEndsWhenItIsTold() throws Exception {
    start(Map.of());
    program.awaitReady();
    assertThat(program.get("/health/live").statusCode()).isEqualTo(200);
    assertThat(program.get("/health/started").statusCode()).isEqualTo(200);
    assertThat(program.get("/health/ready").body())
        .contains("\"certificates\": \"ready\"", "\"control\": \"ready\"");
    Secret secret =
        cluster.client().secrets().inNamespace(cluster.namespace()).withName("chaperone-ca").get();
    String authority =
        new String(
            Base64.getDecoder().decode(secret.getData().get("tls.crt")), StandardCharsets.US_ASCII);
    assertThat(HttpsClients.status(program.webhookPort(), authority, OperatorServer.MUTATE_PODS))
        .isEqualTo("200");
    assertThat(program.get("/metrics").body())
        .contains("chaperone_certificate_end_seconds{certificate=\"authority\"}")
        .contains("chaperone_certificate_end_seconds{certificate=\"serving\"}");
    // SIGTERM, as Kubernetes sends it.
    program.process().destroy();
    assertThat(program.process().waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(program.log()).contains("operator started").doesNotContain("ERROR");
  }

  @Test
  void itDoesItsWorkAsTheAccountThatTheChartGivesIt() throws Exception {
    try (Chart chart = Chart.install(cluster, Chart.OPERATOR_ROLES)) {
      start(
          Map.of(
              "KUBECONFIG",
              cluster.kubeconfigOf("chaperone-operator", cluster.server()).toString(),
              "CHAPERONE_WEBHOOK_CONFIGURATION",
              "chaperone-pods"));
      program.awaitReady();
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
      program.process().destroy();
      assertThat(program.process().waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(program.log()).doesNotContainIgnoringCase("forbidden");
    }
  }

  /** Which reads the Secret that cert-manager writes, and may not write it. */
  @Test
  void withAnIssuedAuthorityItServesAsTheAccountThatTheChartThenGivesIt() throws Exception {
    TestIssuer issuer = new TestIssuer();
    try (Chart chart =
        Chart.install(cluster, Chart.OPERATOR_ROLES, "certificates.issuerRef.name=corporate-ca")) {
      start(
          Map.of(
              "KUBECONFIG",
              cluster.kubeconfigOf("chaperone-operator", cluster.server()).toString(),
              "CHAPERONE_WEBHOOK_CONFIGURATION",
              "chaperone-pods",
              "CHAPERONE_CERTIFICATES_ISSUED",
              "true"));
      TestIssuer.store(cluster.client(), cluster.namespace(), issuer.secret(Duration.ofDays(2)));
      program.awaitReady();
      assertServes(issuer);
      String before = authorityEnd();
      TestIssuer.store(cluster.client(), cluster.namespace(), issuer.secret(Duration.ofDays(3)));
      Awaitility.await()
          .atMost(PATIENCE)
          .untilAsserted(() -> assertThat(authorityEnd()).isNotEqualTo(before));
      assertServes(issuer);
      program.process().destroy();
      assertThat(program.process().waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(program.log()).doesNotContainIgnoringCase("forbidden").doesNotContain("ERROR");
    }
  }

  private void assertServes(TestIssuer issuer) throws IOException {
    assertThat(HttpsClients.status(program.webhookPort(), issuer.pem(), OperatorServer.MUTATE_PODS))
        .isEqualTo("200");
  }

  private String authorityEnd() throws IOException, InterruptedException {
    return program
        .get("/metrics")
        .body()
        .lines()
        .filter(
            line -> line.startsWith("chaperone_certificate_end_seconds{certificate=\"authority"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aDamagedAuthorityKeepsItFromBeingReadyAndSaysWhy() throws Exception {
    start(Map.of());
    program.awaitReady();
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
              HttpResponse<String> ready = program.get("/health/ready");
              assertThat(ready.statusCode()).isEqualTo(503);
              assertThat(ready.body()).contains("tls.key is missing");
            });
    assertThat(program.get("/health/live").statusCode()).isEqualTo(200);
    cluster.client().secrets().inNamespace(cluster.namespace()).withName("chaperone-ca").delete();
    program.awaitReady();
  }

  @Test
  void aWrongSettingIsSaidAndTheProgramEnds() throws Exception {
    start(Map.of("CHAPERONE_SIDECAR_UID", "0"));
    assertThat(program.process().waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(program.process().exitValue()).isNotZero();
    assertThat(program.log()).contains("uid must be from 10000 to 65533");
  }
}
