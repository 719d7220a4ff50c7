package dev.chaperone.operator.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What waits for the operator, and what does not: the chart's webhooks, and nobody who answers. */
@UsesTestCluster
class WebhookConfigurationsIT {
  private static final Duration WAIT = Duration.ofSeconds(60);
  private static final String NOBODY_ANSWERS =
      "failed calling webhook \"guarded.pods.chaperone.dev\"";
  private static final String NO_RESOURCES = "failed calling webhook \"resources.chaperone.dev\"";
  private static final String POD =
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: %s, finalizers: [example.com/keep]}
      spec:
        serviceAccountName: %s
        containers:
          - {name: agent, image: a, resources: {requests: {cpu: 50m}, limits: {cpu: 100m}}}
      """;

  private static TestCluster cluster;
  private static Chart chart;

  @BeforeAll
  static void install(TestCluster given) {
    cluster = given;
    cluster.applyCustomResourceDefinitions();
    cluster.createServiceAccount("agent");
    cluster.createServiceAccount("chaperone-operator");
    made(cluster.api().create(pods(), POD.formatted("before", "agent")));
    made(
        cluster
            .api()
            .patch(
                "/api/v1/namespaces/" + cluster.namespace(),
                Api.MERGE_PATCH,
                "{\"metadata\":{\"labels\":{\"chaperone.dev/guarded\":\"true\"}}}"));
    chart = Chart.install(cluster, Chart.WEBHOOKS);
    await()
        .atMost(WAIT)
        .untilAsserted(
            () -> {
              assertThat(create("any").message()).contains(NOBODY_ANSWERS);
              assertThat(update("before", "spec", "{\"activeDeadlineSeconds\":9000}").message())
                  .contains(NOBODY_ANSWERS);
              assertThat(connection().message()).contains(NO_RESOURCES);
            });
  }

  /** Waits until nobody is asked any more: the next class may make connections. */
  @AfterAll
  static void remove() {
    if (chart != null) {
      chart.close();
      await()
          .atMost(WAIT)
          .untilAsserted(
              () -> {
                assertThat(connection().message()).doesNotContain("failed calling webhook");
                assertThat(create("any").message()).doesNotContain("failed calling webhook");
              });
    }
  }

  private static String pods() {
    return "/api/v1/namespaces/" + cluster.namespace() + "/pods";
  }

  private static void made(Answer answer) {
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  private static Answer create(String name) {
    return cluster.apiOnce().create(pods() + "?dryRun=All", POD.formatted(name, "agent"));
  }

  private static Answer connection() {
    return cluster
        .apiOnce()
        .create(
            "/apis/chaperone.dev/v1alpha1/namespaces/"
                + cluster.namespace()
                + "/agentconnections?dryRun=All",
            """
            apiVersion: chaperone.dev/v1alpha1
            kind: AgentConnection
            metadata: {name: any}
            spec:
              protocol: PostgreSQL
              target: {host: orders.prod.svc, port: 5432, database: orders}
              credentials: {secretRef: {name: orders-db}}
              agents: {podSelector: {matchLabels: {app: agent}}}
              listen: {port: 15432}
            """);
  }

  private static Answer update(String pod, String field, String value) {
    return cluster
        .apiOnce()
        .patch(
            pods() + "/" + pod + "?dryRun=All",
            Api.MERGE_PATCH,
            "{\"" + field + "\":" + value + "}");
  }

  @TestFactory
  Stream<DynamicTest> whatIsJudgedWaitsForTheOperator() {
    return Stream.of(
            Map.entry("", "{\"spec\":{\"containers\":[{\"name\":\"agent\",\"image\":\"b\"}]}}"),
            Map.entry("", "{\"metadata\":{\"labels\":{\"app\":\"other\"}}}"),
            Map.entry(
                "/ephemeralcontainers",
                "{\"spec\":{\"ephemeralContainers\":[{\"name\":\"debug\",\"image\":\"a\"}]}}"),
            Map.entry(
                "/resize",
                "{\"spec\":{\"containers\":[{\"name\":\"agent\",\"resources\":"
                    + "{\"limits\":{\"cpu\":\"200m\"}}}]}}"))
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.getKey() + " " + entry.getValue(),
                    () ->
                        assertThat(
                                cluster
                                    .apiOnce()
                                    .patch(
                                        pods() + "/before" + entry.getKey() + "?dryRun=All",
                                        Api.STRATEGIC_MERGE_PATCH,
                                        entry.getValue())
                                    .message())
                            .contains(NOBODY_ANSWERS)));
  }

  @Test
  void whatIsNotJudgedDoesNotWait() {
    made(update("before", "metadata", "{\"annotations\":{\"example.com/a\":\"b\"}}"));
    made(update("before", "metadata", "{\"finalizers\":null}"));
    made(
        cluster
            .api()
            .patch(
                pods() + "/before/status?dryRun=All",
                Api.MERGE_PATCH,
                "{\"status\":{\"message\":\"as the kubelet says\"}}"));
    made(cluster.api().delete(pods() + "/before?dryRun=All"));
  }

  @Test
  void theOperatorsOwnPodsDoNotWaitForThemselves() {
    made(
        cluster
            .api()
            .create(pods() + "?dryRun=All", POD.formatted("operator", "chaperone-operator")));
  }

  @Test
  void podsOfOtherNamespacesAreMadeAllTheSame() {
    made(
        cluster
            .api()
            .create("/api/v1/namespaces/default/pods?dryRun=All", POD.formatted("any", "default")));
  }
}
