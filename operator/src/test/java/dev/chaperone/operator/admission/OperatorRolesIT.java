package dev.chaperone.operator.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What the operator may do under the chart's RBAC, and what not. */
@UsesTestCluster
class OperatorRolesIT {
  private static final String WEBHOOKS =
      "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

  private static TestCluster cluster;
  private static Chart chart;

  @BeforeAll
  static void install(TestCluster given) {
    cluster = given;
    cluster.applyCustomResourceDefinitions();
    chart = Chart.install(cluster, Chart.OPERATOR_ROLES);
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> operator().get("/api/v1/namespaces").accepted() && mayListOwnConfigMaps());
  }

  @AfterAll
  static void remove() {
    if (chart != null) {
      chart.close();
    }
  }

  private static Api operator() {
    return cluster.apiAs(cluster.serviceAccount("chaperone-operator"));
  }

  private static String own(String resource) {
    return "/api/v1/namespaces/" + cluster.namespace() + "/" + resource;
  }

  private static boolean mayListOwnConfigMaps() {
    return operator().get(own("configmaps")).accepted();
  }

  @TestFactory
  Stream<DynamicTest> itReadsWhatItNeeds() {
    return Stream.of(
            own("secrets") + "?fieldSelector=metadata.name%3Dchaperone-ca",
            own("configmaps"),
            "/api/v1/pods",
            "/api/v1/namespaces",
            "/apis/chaperone.dev/v1alpha1/agentconnections",
            "/apis/chaperone.dev/v1alpha1/accesspolicies",
            "/apis/chaperone.dev/v1alpha1/approvalrequests",
            "/apis/chaperone.dev/v1alpha1/agentsessions",
            WEBHOOKS + "?fieldSelector=metadata.name%3Dchaperone-pods")
        .map(
            path ->
                DynamicTest.dynamicTest(
                    path, () -> assertThat(operator().get(path).code()).isEqualTo(200)));
  }

  @TestFactory
  Stream<DynamicTest> itReadsNothingElse() {
    return Stream.of(
            own("secrets"),
            own("secrets/another"),
            "/api/v1/secrets",
            "/api/v1/namespaces/default/secrets",
            "/api/v1/namespaces/kube-system/secrets/any",
            "/api/v1/namespaces/default/configmaps",
            own("serviceaccounts"),
            "/api/v1/nodes",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            WEBHOOKS,
            WEBHOOKS + "/another")
        .map(
            path ->
                DynamicTest.dynamicTest(
                    path, () -> assertThat(operator().get(path).code()).isEqualTo(403)));
  }

  @TestFactory
  Stream<DynamicTest> itChangesNothingElse() {
    String token =
        "apiVersion: authentication.k8s.io/v1\nkind: TokenRequest\nspec: {audiences: [a]}";
    return Stream.of(
        DynamicTest.dynamicTest(
            "no pod",
            () ->
                assertThat(operator().create(own("pods") + "?dryRun=All", "{}").code())
                    .isEqualTo(403)),
        DynamicTest.dynamicTest(
            "no Secret elsewhere",
            () ->
                assertThat(
                        operator()
                            .create(
                                "/api/v1/namespaces/default/secrets?dryRun=All",
                                "{apiVersion: v1, kind: Secret, metadata: {name: a}}")
                            .code())
                    .isEqualTo(403)),
        DynamicTest.dynamicTest(
            "no token of a service account",
            () ->
                assertThat(operator().create(own("serviceaccounts/default/token"), token).code())
                    .isEqualTo(403)),
        DynamicTest.dynamicTest(
            "no webhooks of others",
            () ->
                assertThat(operator().patch(WEBHOOKS + "/another", Api.MERGE_PATCH, "{}").code())
                    .isEqualTo(403)),
        DynamicTest.dynamicTest(
            "no connection and no policy",
            () -> {
              for (String plural : new String[] {"agentconnections", "accesspolicies"}) {
                String path = "/apis/chaperone.dev/v1alpha1/namespaces/default/" + plural + "/any";
                assertThat(operator().patch(path, Api.MERGE_PATCH, "{}").code()).isEqualTo(403);
                assertThat(operator().delete(path).code()).isEqualTo(403);
                // The status is its own: no right is what it lacks.
                assertThat(operator().patch(path + "/status", Api.MERGE_PATCH, "{}").code())
                    .isEqualTo(404);
              }
            }));
  }
}
