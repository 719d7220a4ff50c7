package dev.chaperone.operator.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import org.junit.jupiter.api.Test;

class AcceptancesTest {
  private final Acceptances acceptances = new Acceptances();

  private static AccessPolicy policy(String uid, long generation, String when) {
    return Serialization.unmarshal(
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: agents, namespace: support, uid: %s, generation: %d}
        spec:
          connections: [orders]
          subjects: [{kind: ServiceAccount, name: support-agent}]
          rules: [{name: reads, effects: [Read], when: "%s", action: Allow}]
        """
            .formatted(uid, generation, when),
        AccessPolicy.class);
  }

  @Test
  void whatHasNotChangedIsNotJudgedAgain() {
    List<String> first = acceptances.problems(policy("a", 1, "operation.nothing.like.this"));
    assertThat(first).singleElement().asString().contains("spec.rules[0].when");
    assertThat(acceptances.problems(policy("a", 1, "operation.nothing.like.this"))).isSameAs(first);
  }

  @Test
  void anotherGenerationAndAnotherResourceAreJudgedThemselves() {
    assertThat(acceptances.problems(policy("a", 1, "operation.nothing.like.this"))).isNotEmpty();
    assertThat(acceptances.problems(policy("a", 2, "operation.sql.hasWhere"))).isEmpty();
    assertThat(acceptances.problems(policy("b", 1, "operation.nothing.like.this"))).isNotEmpty();
  }
}
