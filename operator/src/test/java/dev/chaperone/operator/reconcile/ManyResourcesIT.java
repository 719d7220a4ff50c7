package dev.chaperone.operator.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What many connections and policies of one namespace ask of the API server. */
@UsesTestCluster
@Timeout(300)
class ManyResourcesIT {
  private static final int MANY = 100;
  private static final Pattern REQUESTS =
      Pattern.compile("apiserver_request_total\\{(.*)\\} ([0-9.e+]+)");
  private static World world;

  @BeforeAll
  static void populate(TestCluster cluster) throws Exception {
    world = new World(cluster);
  }

  @AfterAll
  static void stop() {
    world.close();
  }

  @Test
  void eachIsWrittenOnceAndPodsAreNotListedForEach() throws Exception {
    String namespace = world.namespace();
    for (int i = 0; i < 10; i++) {
      world.agent(namespace, "agent-" + i, "orders-0");
    }
    world.replica("replica-0");
    double lists = requests("LIST", "pods", "");
    double ofConnections = requests("APPLY", "agentconnections", "status");
    double ofPolicies = requests("APPLY", "accesspolicies", "status");
    long begin = System.nanoTime();
    IntStream.range(0, MANY)
        .forEach(
            i -> {
              world.connection(namespace, "orders-" + i, 15000 + i);
              world.policy(namespace, "agents-" + i, "orders-" + i, "Allow");
            });
    await()
        .atMost(Duration.ofMinutes(3))
        .ignoreExceptions()
        .untilAsserted(
            () -> {
              assertThat(connections(namespace)).hasSize(MANY).allMatch(ManyResourcesIT::isSettled);
              assertThat(policies(namespace)).hasSize(MANY).allMatch(ManyResourcesIT::isSettled);
            });
    double seconds = (System.nanoTime() - begin) / 1e9;
    // One answer is good for five seconds; the sweeper and the tests' own lists come on top.
    assertThat(requests("LIST", "pods", "") - lists).isLessThan(20 + seconds);
    assertThat(requests("APPLY", "agentconnections", "status") - ofConnections)
        .isBetween((double) MANY, 1.5 * MANY);
    // A policy that is seen before its connection says so first.
    assertThat(requests("APPLY", "accesspolicies", "status") - ofPolicies)
        .isBetween((double) MANY, 2.5 * MANY);
  }

  private static List<AgentConnection> connections(String namespace) {
    return world.admin().resources(AgentConnection.class).inNamespace(namespace).list().getItems();
  }

  private static List<AccessPolicy> policies(String namespace) {
    return world.admin().resources(AccessPolicy.class).inNamespace(namespace).list().getItems();
  }

  private static boolean isSettled(AgentConnection connection) {
    return holds(connection.getStatus().conditions(), "Accepted")
        && connection.getStatus().agents().injected()
            == (connection.getMetadata().getName().equals("orders-0") ? 10 : 0);
  }

  private static boolean isSettled(AccessPolicy policy) {
    return holds(policy.getStatus().conditions(), "Accepted")
        && holds(policy.getStatus().conditions(), "ConnectionsFound");
  }

  private static boolean holds(List<Condition> conditions, String type) {
    return conditions.stream()
        .anyMatch(one -> one.type().equals(type) && one.status() == ConditionStatus.TRUE);
  }

  /** How many requests of a kind the API server has answered so far. */
  private static double requests(String verb, String resource, String subresource) {
    return world
        .admin()
        .raw("/metrics")
        .lines()
        .map(REQUESTS::matcher)
        .filter(Matcher::matches)
        .filter(
            line ->
                line.group(1).contains("verb=\"" + verb + "\"")
                    && line.group(1).contains(",resource=\"" + resource + "\"")
                    && line.group(1).contains("subresource=\"" + subresource + "\""))
        .mapToDouble(line -> Double.parseDouble(line.group(2)))
        .sum();
  }
}
