package dev.chaperone.operator.distribution;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.channel.Document;
import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import io.fabric8.kubernetes.client.utils.Serialization;
import org.junit.jupiter.api.Test;

class SentDocumentsTest {
  private final SentDocuments sent = new SentDocuments();

  private static AgentConnection connection(String uid, long generation, String host) {
    return Serialization.unmarshal(
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AgentConnection
        metadata: {name: orders, namespace: support, uid: %s, generation: %d}
        spec:
          protocol: PostgreSQL
          target: {host: %s, port: 5432, database: orders}
          credentials: {secretRef: {name: s, usernameKey: username, passwordKey: password}}
          agents: {podSelector: {matchLabels: {app: support}}}
          listen: {port: 15432}
        """
            .formatted(uid, generation, host),
        AgentConnection.class);
  }

  private static AccessPolicy policy(long generation, String message) {
    return Serialization.unmarshal(
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: agents, namespace: support, uid: uid-p, generation: %d}
        spec:
          connections: [orders]
          rules: [{name: no, effects: [Schema], action: Deny, message: "%s"}]
        """
            .formatted(generation, message),
        AccessPolicy.class);
  }

  private static String text(Document document) {
    return new String(document.json(), UTF_8);
  }

  @Test
  void whatManySidecarsAreSentIsMadeOnce() {
    assertThat(sent.of(connection("uid-1", 1, "one"), false))
        .isSameAs(sent.of(connection("uid-1", 1, "one"), false));
    assertThat(sent.of(policy(1, "no"))).isSameAs(sent.of(policy(1, "no")));
  }

  @Test
  void anEditAndAConnectionMadeAnewAreSentAsTheyAre() {
    assertThat(text(sent.of(connection("uid-1", 1, "one"), false))).contains("one");
    assertThat(text(sent.of(connection("uid-1", 2, "two"), false))).contains("two");
    assertThat(text(sent.of(connection("uid-2", 1, "three"), false))).contains("three");
    assertThat(text(sent.of(policy(1, "before")))).contains("before");
    assertThat(text(sent.of(policy(2, "after")))).contains("after").doesNotContain("before");
  }

  @Test
  void whatIsRevokedForOnePodIsServedToOthers() {
    AgentConnection orders = connection("uid-1", 1, "one");
    assertThat(text(sent.of(orders, true))).contains("\"suspended\":true");
    assertThat(text(sent.of(orders, false))).doesNotContain("\"suspended\":true");
    assertThat(text(sent.of(orders, true))).contains("\"suspended\":true");
  }

  @Test
  void largeGenerationsOfAPolicyAreNotKeptWithoutBound() {
    String large = "x".repeat(SentDocuments.MAX_BYTES / 8);
    for (int generation = 1; generation <= 20; generation++) {
      assertThat(text(sent.of(policy(generation, large)))).contains("\"generation\":" + generation);
      assertThat(sent.bytes()).isBetween(large.length(), SentDocuments.MAX_BYTES);
    }
    assertThat(sent.of(policy(20, large))).isSameAs(sent.of(policy(20, large)));
    String tooLarge = "x".repeat(SentDocuments.MAX_BYTES);
    assertThat(text(sent.of(policy(21, tooLarge)))).contains(tooLarge);
    assertThat(sent.bytes()).isZero();
  }
}
