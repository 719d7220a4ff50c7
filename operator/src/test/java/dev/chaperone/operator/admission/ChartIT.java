package dev.chaperone.operator.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.Output;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The chart by itself. */
@UsesTestCluster
class ChartIT extends AdmissionTests {
  private static final Path PLAIN = Path.of("../charts/install.yaml");
  private static final List<String> EVERYTHING_SET =
      List.of(
          "operator.image=registry.test/operator:1",
          "operator.imagePullSecrets={pull}",
          "operator.replicas=3",
          "operator.priorityClassName=system-cluster-critical",
          "operator.nodeSelector.pool=system",
          "operator.tolerations[0].key=system",
          "operator.tolerations[0].operator=Exists",
          "operator.env[0].name=QUARKUS_LOG_LEVEL",
          "operator.env[0].value=DEBUG",
          "operator.requestRetention=PT1H",
          "sidecar.image=registry.test/sidecar:1",
          "sidecar.imagePullPolicy=Always",
          "recordings.store.enabled=true",
          "recordings.store.storageClassName=fast",
          "recordings.api.enabled=true",
          "recordings.objects.enabled=true",
          "recordings.objects.bucket=recordings",
          "recordings.objects.prefix=cluster/",
          "recordings.objects.region=eu-central-1",
          "recordings.objects.endpoint=https://minio.storage.svc:9000",
          "recordings.objects.pathStyle=true",
          "recordings.objects.port=9000",
          "recordings.objects.credentialsSecret=objects",
          "recordings.objects.caConfigMap=objects-ca",
          "recordings.objects.kmsKey=arn:aws:kms:eu-central-1:111122223333:key/1",
          "recordings.objects.lock=COMPLIANCE",
          "operator.serviceAccountAnnotations.role=recordings",
          "webhooks.excludedNamespaces={kube-system,cni}",
          "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.team=monitoring",
          "networkPolicy.apiServerPorts={8443}");

  @Test
  void theApiServerFindsNothingToWarnOfInThePolicies() {
    for (String policy : POLICIES) {
      String path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/" + policy;
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> cluster.api().get(path).body().at("/status").has("typeChecking"));
      JsonNode warnings =
          cluster.api().get(path).body().at("/status/typeChecking/expressionWarnings");
      assertThat(warnings).as("%s: %s", policy, warnings).isEmpty();
    }
  }

  @Test
  void thePoliciesOfTheChartAreThoseOfTheseTests() {
    List<String> names = new ArrayList<>();
    Chart.template(cluster)
        .out()
        .lines()
        .filter(line -> line.startsWith("  policyName: "))
        .forEach(line -> names.add(line.substring("  policyName: ".length())));
    assertThat(names).containsExactlyInAnyOrderElementsOf(POLICIES);
  }

  @Test
  void helmFindsNothingToWarnOf() {
    Output lint = cluster.helm("lint", "--strict", "--quiet", Chart.DIRECTORY.toString());
    assertThat(lint.exit()).as(lint.toString()).isZero();
  }

  /** So that a change of what is installed is seen in review, and by those who use that file. */
  @Test
  void whatIsInstalledWithoutHelmIsTheChartAsItIs() throws IOException {
    String plain = Files.readString(PLAIN);
    String rendered = Chart.templateFor(cluster, "chaperone-system").out();
    assertThat(plain)
        .as(
            "where the change is meant: put after the Namespace what is said by helm template"
                + " chaperone charts/chaperone --namespace chaperone-system --kube-version 1.30.0")
        .endsWith(rendered);
    String before = plain.substring(0, plain.length() - rendered.length());
    assertThat(new YAMLMapper().readTree(before).at("/metadata/name").asText())
        .isEqualTo("chaperone-system");
  }

  /** As {@code kubectl apply -f} of that file does, but for what only one installation can have. */
  @Test
  void theApiServerTakesWhatIsInstalledWithoutHelm() {
    Output namespace =
        cluster.kubectl(
            "create", "namespace", "chaperone-system", "--save-config", "--dry-run=none");
    try {
      Output applied =
          cluster.kubectl(
              "apply",
              "--namespace=",
              "--server-side",
              "--force-conflicts",
              "--dry-run=server",
              "--validate=strict",
              "-f",
              PLAIN.toString());
      assertThat(applied.exit()).as(applied.err()).isZero();
      assertThat(applied.out().lines()).hasSizeGreaterThan(20);
    } finally {
      if (namespace.exit() == 0) {
        cluster.kubectl("delete", "namespace", "chaperone-system", "--wait=false");
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> theApiServerTakesTheWholeChart() {
    return Stream.of(List.<String>of(), EVERYTHING_SET)
        .map(
            settings ->
                DynamicTest.dynamicTest(
                    settings.isEmpty() ? "as it is" : "with everything set",
                    () -> {
                      Output rendered = Chart.template(cluster, settings.toArray(String[]::new));
                      assertThat(rendered.exit()).as(rendered.err()).isZero();
                      // kubectl takes no document of another namespace than the one it is told.
                      var byNamespace =
                          Chart.documents(rendered.out())
                              .collect(
                                  Collectors.partitioningBy(
                                      one -> one.contains("  namespace: kube-system\n")));
                      takes(cluster.namespace(), byNamespace.get(false));
                      takes("kube-system", byNamespace.get(true));
                    }));
  }

  /** The API server of these tests has not the CRDs of prometheus-operator. */
  @Test
  void whatIsForPrometheusAndGrafanaIsRenderedWhole() throws IOException {
    Map<String, JsonNode> found = new HashMap<>();
    Output rendered =
        Chart.template(
            cluster,
            "monitoring.podMonitor.enabled=true",
            "monitoring.rules.enabled=true",
            "monitoring.dashboard.enabled=true",
            "monitoring.labels.release=prometheus");
    assertThat(rendered.exit()).as(rendered.err()).isZero();
    for (String document : Chart.documents(rendered.out()).toList()) {
      JsonNode resource = new YAMLMapper().readTree(document);
      found.put(resource.path("kind").asText(), resource);
    }
    Path monitoring = Chart.DIRECTORY.resolve("monitoring");
    assertThat(found.get("PrometheusRule").at("/spec/groups"))
        .isEqualTo(
            new YAMLMapper().readTree(monitoring.resolve("alerts.yaml").toFile()).path("groups"));
    assertThat(found.get("PrometheusRule").at("/metadata/labels/release").asText())
        .isEqualTo("prometheus");
    JsonNode operator = found.get("Deployment").at("/spec/template/spec/containers/0/ports/2/name");
    assertThat(found.get("PodMonitor").at("/spec/podMetricsEndpoints/0/port")).isEqualTo(operator);
    assertThat(found.get("PodMonitor").at("/spec/selector"))
        .isEqualTo(found.get("Deployment").at("/spec/selector"));
    assertThat(found.get("ConfigMap").at("/data/chaperone.json").asText())
        .isEqualToIgnoringNewLines(Files.readString(monitoring.resolve("dashboard.json")));
  }

  /** The API server of these tests has not the CRDs of cert-manager. */
  @Test
  void withAnIssuerCertManagerIssuesTheAuthorityAndTheOperatorMayNotWriteIt() throws IOException {
    Output rendered =
        Chart.template(
            cluster,
            "certificates.issuerRef.name=corp",
            "certificates.issuerRef.kind=ClusterIssuer",
            "certificates.duration=24h",
            "certificates.renewBefore=8h");
    assertThat(rendered.exit()).as(rendered.err()).isZero();
    JsonNode certificate = one(rendered, "Certificate");
    assertThat(certificate.at("/spec/secretName").asText()).isEqualTo("chaperone-issued-ca");
    assertThat(certificate.at("/spec/isCA").asBoolean()).isTrue();
    assertThat(certificate.at("/spec/duration").asText()).isEqualTo("24h");
    assertThat(certificate.at("/spec/privateKey").toString())
        .contains("\"ECDSA\"", "\"PKCS8\"", "\"Always\"");
    assertThat(certificate.at("/spec/issuerRef").toString())
        .isEqualTo("{\"name\":\"corp\",\"kind\":\"ClusterIssuer\",\"group\":\"cert-manager.io\"}");
    assertThat(one(rendered, "Deployment").at("/spec/template/spec/containers/0/env").toString())
        .contains("{\"name\":\"CHAPERONE_CERTIFICATES_ISSUED\",\"value\":\"true\"}");
    assertThat(secrets(one(rendered, "Role")))
        .containsExactly("[\"chaperone-issued-ca\"] [\"get\",\"list\",\"watch\"]");
    assertThat(rendered.out())
        .as("one writes caBundle: the operator, not the cainjector")
        .doesNotContain("inject-ca-from");
  }

  @Test
  void withoutAnIssuerTheAuthorityIsTheOperatorsOwn() throws IOException {
    Output rendered = Chart.template(cluster);
    assertThat(rendered.out())
        .doesNotContain("cert-manager.io", "CHAPERONE_CERTIFICATES_ISSUED", "chaperone-issued-ca");
    assertThat(secrets(one(rendered, "Role")))
        .containsExactly(
            "[\"chaperone-ca\"]" + " [\"get\",\"list\",\"watch\",\"update\",\"patch\",\"delete\"]",
            " [\"create\"]");
  }

  /** The first of a kind. */
  private static JsonNode one(Output rendered, String kind) throws IOException {
    for (String document : Chart.documents(rendered.out()).toList()) {
      JsonNode resource = new YAMLMapper().readTree(document);
      if (resource.path("kind").asText().equals(kind)) {
        return resource;
      }
    }
    throw new AssertionError("no " + kind);
  }

  private static List<String> secrets(JsonNode role) {
    List<String> rules = new ArrayList<>();
    for (JsonNode rule : role.path("rules")) {
      if (rule.path("resources").toString().contains("\"secrets\"")) {
        rules.add(
            (rule.has("resourceNames") ? rule.path("resourceNames").toString() : "")
                + " "
                + rule.path("verbs"));
      }
    }
    return rules;
  }

  private void takes(String namespace, List<String> documents) throws IOException {
    if (documents.isEmpty()) {
      return;
    }
    Path manifest =
        Files.writeString(
            Path.of("target", "whole-chart.yaml").toAbsolutePath(),
            String.join("---\n", documents));
    Output applied =
        cluster.kubectl(
            "apply",
            "--namespace=" + namespace,
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "--validate=strict",
            "-f",
            manifest.toString());
    assertThat(applied.exit()).as(applied.err()).isZero();
    assertThat(applied.err()).isEmpty();
    assertThat(applied.out().lines()).hasSameSizeAs(documents);
  }

  @Test
  void recordingsAreNotReadWithoutAStore() {
    Output output = Chart.template(cluster, "recordings.api.enabled=true");
    assertThat(output.exit()).isNotZero();
    assertThat(output.err()).contains("needs recordings.store.enabled");
  }

  @Test
  void noWebhookWaitsWhereItNeedNot() throws IOException {
    List<JsonNode> webhooks = new ArrayList<>();
    for (String document : Chart.documents(Chart.template(cluster).out()).toList()) {
      JsonNode resource = new YAMLMapper().readTree(document);
      if (resource.path("kind").asText().endsWith("WebhookConfiguration")) {
        resource.path("webhooks").forEach(webhooks::add);
      }
    }
    assertThat(webhooks).hasSize(6);
    for (JsonNode webhook : webhooks) {
      String name = webhook.path("name").asText();
      assertThat(webhook.path("failurePolicy").asText())
          .as(name)
          .isEqualTo(
              name.startsWith("guarded.") || name.startsWith("resources.") ? "Fail" : "Ignore");
      if (name.equals("pods.chaperone.dev")) {
        assertThat(webhook.at("/namespaceSelector/matchExpressions/1/values").toString())
            .contains(cluster.namespace(), "kube-system");
      }
      // The operator fills it in.
      assertThat(webhook.at("/clientConfig/caBundle").isMissingNode()).as(name).isTrue();
    }
  }

  @TestFactory
  Stream<DynamicTest> valuesThatTheChartDoesNotKnowAreRefused() {
    return Stream.of(
            "operator.serviceAccount=x",
            "operator.serviceAccountName=x' || true || '",
            "operator.serviceAccountName=",
            "admission.systemUsers={jane}",
            "admission.systemUsers={system:x'}",
            "admission.enabled=false",
            "operator.image=a b",
            "operator.replicas=0",
            "operator.requestRetention=7d",
            "operator.env[0].name=CHAPERONE_SIDECAR_IMAGE",
            "sidecar.uid=0",
            "sidecar.memoryLimit=a lot",
            "recordings.store.enabled=yes please",
            "recordings.store.size=a lot",
            "recordings.enabled=true",
            "recordings.api.enabled=perhaps",
            "certificates.issuerRef.name=a b",
            "certificates.issuerRef.kind=",
            "certificates.duration=90d",
            "certificates.enabled=true",
            "webhooks.excludedNamespaces={a b}",
            "networkPolicy.apiServerPorts={0}")
        .map(
            setting ->
                DynamicTest.dynamicTest(
                    setting,
                    () -> {
                      Output output = Chart.template(cluster, setting);
                      assertThat(output.exit()).isNotZero();
                      assertThat(output.err()).contains("values don't meet the specifications");
                    }));
  }
}
