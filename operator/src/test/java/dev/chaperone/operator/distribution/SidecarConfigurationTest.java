package dev.chaperone.operator.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.channel.Document;
import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import org.junit.jupiter.api.Test;

class SidecarConfigurationTest {

  private static AgentConnection connection(String name, String app, long generation) {
    return Serialization.unmarshal(
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AgentConnection
        metadata: {name: %s, namespace: support, uid: uid-%s, generation: %d}
        spec:
          protocol: PostgreSQL
          target: {host: h, port: 5432, database: d}
          credentials: {secretRef: {name: s}}
          agents: {podSelector: {matchLabels: {app: %s}}}
          listen: {port: 15432}
        """
            .formatted(name, name, generation, app),
        AgentConnection.class);
  }

  private static AccessPolicy policy(String name, String connection) {
    return Serialization.unmarshal(
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: %s, namespace: support, uid: uid-%s, generation: 1}
        spec:
          connections: [%s]
          subjects: [{kind: ServiceAccount, name: agent}]
        """
            .formatted(name, name, connection),
        AccessPolicy.class);
  }

  private static Pod pod(String... connections) {
    StringBuilder items = new StringBuilder();
    for (String connection : connections) {
      items.append("{secret: {items: [{path: ").append(connection).append("/s/username}]}}, ");
    }
    return Serialization.unmarshal(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: agent-0, namespace: support, uid: uid-0, labels: {app: support}}
        spec:
          initContainers: [{name: chaperone}]
          volumes: [{name: chaperone-secrets, projected: {sources: [%s]}}]
        """
            .formatted(items),
        Pod.class);
  }

  private static List<String> names(SidecarConfiguration configuration) {
    return configuration.documents(new SentDocuments()).stream().map(Document::toString).toList();
  }

  @Test
  void itIsThePodItsConnectionsAndTheirPolicies() {
    SidecarConfiguration configuration =
        SidecarConfiguration.of(
            pod("orders", "other"),
            List.of(connection("orders", "support", 1), connection("other", "billing", 1)),
            List.of(policy("b", "orders"), policy("a", "orders"), policy("c", "other")),
            List.of());
    assertThat(names(configuration))
        .containsExactly(
            "Pod support/agent-0",
            "AgentConnection support/orders",
            "AccessPolicy support/a",
            "AccessPolicy support/b");
  }

  @Test
  void aConnectionThatThePodWasNotMadeForIsLeftOut() {
    AgentConnection orders = connection("orders", "support", 1);
    assertThat(PodConnections.isSelected(pod(), orders)).isTrue();
    assertThat(PodConnections.isServed(pod(), orders)).isFalse();
    assertThat(PodConnections.isServed(pod("orders-2"), orders)).isFalse();
    assertThat(PodConnections.isServed(pod("orders"), orders)).isTrue();
    Pod without = pod("orders");
    without.getSpec().setInitContainers(List.of());
    assertThat(PodConnections.isServed(without, orders)).isFalse();
  }

  @Test
  void theStampIsAnotherExactlyWhereAnythingThatMattersIs() {
    SidecarConfiguration.Stamp first = stamp(1, policy("a", "orders"));
    assertThat(stamp(1, policy("a", "orders"))).isEqualTo(first);
    assertThat(stamp(2, policy("a", "orders"))).isNotEqualTo(first);
    assertThat(stamp(1, policy("b", "orders"))).isNotEqualTo(first);
    assertThat(stamp(1, policy("a", "other"))).isNotEqualTo(first);
  }

  private static SidecarConfiguration.Stamp stamp(long generation, AccessPolicy policy) {
    return SidecarConfiguration.of(
            pod("orders"),
            List.of(connection("orders", "support", generation)),
            List.of(policy),
            List.of())
        .stamp();
  }
}
