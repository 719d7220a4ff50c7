package dev.chaperone.operator.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.Command;
import dev.chaperone.operator.testing.Output;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code helm install} of the chart as it was before its last change, {@code helm upgrade} to that
 * of this checkout, and {@code helm uninstall}, with an agent at work through all of it.
 */
@UsesTestNode(withPostgresql = true)
@Tag("long")
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class UpgradeNodeIT {
  private static final String SUPPORT = "support";
  private static final String AGENT = "support-agent";
  private static final String COUNT = "SELECT count(*) FROM orders";
  private static final Path CHECKOUT = Path.of("..").toAbsolutePath().normalize();
  private static final int SECONDS = 30;

  /** Whatever the chart makes that belongs to no namespace. */
  private static final List<String> CLUSTER_WIDE =
      List.of(
          "/apis/rbac.authorization.k8s.io/v1/clusterroles",
          "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
          "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
          "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
          "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
          "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
          "/apis/apiregistration.k8s.io/v1/apiservices");

  @TempDir private static Path directory;

  private static TestCluster cluster;

  @Test
  void anUpgradeEndsNoSessionAndAnUninstalledProductLeavesNothingInTheWay(TestCluster given)
      throws Exception {
    cluster = given;
    Path before = chartBefore();
    try (Installation installation = Installation.by(cluster, before)) {
      Resources support = new Resources(cluster, SUPPORT);
      installation.install();
      installation.quickstart();
      installation.awaitReady(SUPPORT, AGENT);
      String session = support.session(AGENT, "orders-db");
      try (AgentClient agent = AgentClient.jdbc(cluster, SUPPORT, AGENT).connected()) {
        agent.send(JdbcAgent.REPEAT + COUNT);
        upgrade(installation);
        assertThat(agent.say("").toString()).contains(" refused 0 ");
        assertThat(agent.answer()).as("to the line that ended it").containsExactly("updated 0");
        assertThat(support.sessions(AGENT, "orders-db")).containsExactly(session);
        assertThat(support.sessionPhase(session)).isEqualTo("Active");

        uninstall();
        assertThat(agent.say(COUNT)).as("the lease of its gateway goes on").containsExactly("400");
      }
      Answer unguarded = furtherPod();
      assertThat(unguarded.accepted()).as(unguarded.toString()).isTrue();
      assertThat(unguarded.body().at("/spec/initContainers")).as("nobody guards").isEmpty();
    }
  }

  /** While the operator is replaced, pods are judged all the time. */
  private static void upgrade(Installation installation) {
    List<Answer> made = new ArrayList<>();
    String generation = operatorsGeneration();
    installation.upgrade();
    // The same images: what is rolled out is what the charts differ in, and where they do not,
    // this.
    installation.kubectl(
        "--namespace", Installation.SYSTEM, "rollout", "restart", "deployment/chaperone-operator");
    assertThat(operatorsGeneration()).isNotEqualTo(generation);
    await()
        .atMost(Installation.SOON)
        .untilAsserted(
            () -> {
              made.add(furtherPod());
              JsonNode status =
                  cluster
                      .api()
                      .get(
                          "/apis/apps/v1/namespaces/"
                              + Installation.SYSTEM
                              + "/deployments/chaperone-operator")
                      .body()
                      .path("status");
              assertThat(status.path("updatedReplicas").asInt()).isEqualTo(2);
              assertThat(status.path("replicas").asInt()).isEqualTo(2);
            });
    installation.awaitOperator();
    made.add(furtherPod());
    assertThat(made)
        .allSatisfy(answer -> assertThat(answer.accepted()).as(answer.toString()).isTrue())
        .allSatisfy(answer -> assertThat(answer.body().at("/spec/initContainers")).hasSize(1));
    System.out.println("FIGURE upgrade: " + made.size() + " pods judged meanwhile");
  }

  private static String operatorsGeneration() {
    return cluster
        .api()
        .get("/apis/apps/v1/namespaces/" + Installation.SYSTEM + "/deployments/chaperone-operator")
        .body()
        .at("/metadata/generation")
        .asText();
  }

  /** Nothing of the release is left, and the resources of its users are. */
  private static void uninstall() {
    Output output =
        cluster.helm("uninstall", Installation.RELEASE, "--namespace", Installation.SYSTEM);
    assertThat(output.exit()).as(output.toString()).isZero();
    for (String kind : CLUSTER_WIDE) {
      assertThat(
              StreamSupport.stream(
                      cluster.api().get(kind).body().path("items").spliterator(), false)
                  .map(one -> one.at("/metadata/name").asText())
                  .filter(name -> name.startsWith("chaperone") || name.contains("chaperone.dev"))
                  // Of the CRDs, which stay with what people have written.
                  .filter(name -> !name.equals("v1alpha1.chaperone.dev")))
          .as(kind)
          .isEmpty();
    }
    Resources support = new Resources(cluster, SUPPORT);
    assertThat(support.list("agentconnections")).hasSize(1);
    assertThat(support.list("accesspolicies")).hasSize(1);
  }

  /** What the API server makes of a further agent; it is not stored. */
  private static Answer furtherPod() {
    return cluster
        .apiOnce()
        .create(
            "/api/v1/namespaces/support/pods?dryRun=All",
            """
            apiVersion: v1
            kind: Pod
            metadata: {generateName: further-, labels: {app: support-agent}}
            spec:
              serviceAccountName: support-agent
              securityContext: {runAsNonRoot: true, runAsUser: 1000}
              containers:
              - name: agent
                image: agent:1
                securityContext: {allowPrivilegeEscalation: false}
            """);
  }

  /** The chart of the commit before the last one that changed it. */
  private static Path chartBefore() throws IOException {
    String changed = git("log", "-n", "1", "--format=%H", "--", "charts/chaperone");
    String reason = "there is no commit before the chart's last change: a shallow clone, or no git";
    if (changed.isEmpty() || git("rev-parse", "--verify", "--quiet", changed + "^").isEmpty()) {
      System.err.println("NOT RUN: upgrade of an installation: " + reason);
      Assumptions.abort(reason);
    }
    Path archive = directory.resolve("chart.tar");
    git("archive", "--output=" + archive, changed + "^", "charts/chaperone");
    Output unpacked =
        Command.run(
            List.of("tar", "-xf", archive.toString(), "-C", directory.toString()),
            Map.of(),
            SECONDS);
    assertThat(unpacked.exit()).as(unpacked.toString()).isZero();
    Path chart = directory.resolve("charts/chaperone");
    assertThat(Files.exists(chart.resolve("Chart.yaml"))).isTrue();
    return chart;
  }

  /** What git says; nothing where it fails. */
  private static String git(String... arguments) {
    List<String> command = new ArrayList<>(List.of("git", "-C", CHECKOUT.toString()));
    command.addAll(List.of(arguments));
    Output output = Command.run(command, Map.of(), SECONDS);
    return output.exit() == 0 ? output.out().strip() : "";
  }
}
