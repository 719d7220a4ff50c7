package dev.chaperone.operator.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.operator.distribution.AgentMetrics.Done;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import org.junit.jupiter.api.Test;

class AgentMetricsTest {
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final AgentMetrics metrics =
      new AgentMetrics(registry, (namespace, name) -> name.equals("orders-db"));

  private double operations(String connection, String decision) {
    return registry
        .get("chaperone.agent.operations")
        .tags("namespace", "support", "connection", connection, "decision", decision)
        .counter()
        .count();
  }

  @Test
  void whatWasDoneSinceIsCounted() {
    metrics.progressed("support", "orders-db", new Done(5, 1, 0, 7, 9), new Done(8, 2, 1, 9, 20));
    assertThat(operations("orders-db", "allowed")).isEqualTo(3);
    assertThat(operations("orders-db", "denied")).isEqualTo(1);
    assertThat(operations("orders-db", "approved")).isEqualTo(1);
    assertThat(registry.get("chaperone.agent.masked.values").counter().count()).isEqualTo(2);
    assertThat(registry.get("chaperone.agent.rows").counter().count()).isEqualTo(11);
  }

  @Test
  void noCountGoesBack() {
    metrics.progressed("support", "orders-db", Done.NOTHING, new Done(8, 2, 1, 9, 20));
    metrics.progressed("support", "orders-db", new Done(8, 2, 1, 9, 20), Done.NOTHING);
    assertThat(operations("orders-db", "allowed")).isEqualTo(8);
  }

  @Test
  void nobodyMakesUpNames() {
    metrics.progressed("support", "made-up", Done.NOTHING, new Done(8, 2, 1, 9, 20));
    assertThat(registry.getMeters()).isEmpty();
  }

  @Test
  void whatIsGoneIsForgotten() {
    metrics.progressed("support", "orders-db", Done.NOTHING, new Done(8, 2, 1, 9, 20));
    metrics.forget("support", "orders-db");
    assertThat(registry.getMeters()).isEmpty();
  }
}
