package dev.chaperone.sidecar.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.translation.Configuration;
import dev.chaperone.policy.Access;
import dev.chaperone.policy.Decision;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.Operation;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GateLeaseTest {
  @TempDir Path directory;

  private boolean holds = true;
  private Ruling ruling;
  private Decision allowed;
  private Decision denied;
  private final Gate gate =
      new Gate(
          new ConnectionMetrics(new SimpleMeterRegistry(), "orders-db", () -> 0),
          connection -> holds);

  @BeforeEach
  void rule() throws Exception {
    GatewayUnderTest.writeConfiguration(directory, 5432, "");
    GatewayUnderTest.writeSecret(directory, "agent", "correct-horse");
    GatewayUnderTest.writePolicy(directory, GatewayUnderTest.ALL_BUT_DENIED);
    Configuration configuration = Configuration.load(directory, 1);
    ruling = new Ruling(configuration.connections().get(0), configuration.policies());
    allowed = decide("public.t");
    denied = decide("public.denied");
    assertThat(allowed).isInstanceOf(Decision.Allow.class);
    assertThat(denied).isInstanceOf(Decision.Deny.class);
  }

  private Decision decide(String resource) {
    return ruling
        .policies()
        .decide(
            new Operation(
                "PostgreSQL",
                "",
                List.of(
                    new Operation.Part(
                        "SELECT", List.of(new Access(Effect.READ, "SELECT", resource)), Map.of())),
                Set.of()),
            ruling.requester(),
            Instant.EPOCH);
  }

  @Test
  void whatIsAllowedIsDeniedWhileTheLeaseIsOverAndAllowedAtOnceWhenItHoldsAgain() {
    assertThat(gate.admit(ruling, allowed)).isEmpty();
    holds = false;
    Optional<Refusal> refusal = gate.admit(ruling, allowed);
    assertThat(refusal.orElseThrow().kind()).isEqualTo(Refusal.Kind.UNAVAILABLE);
    assertThat(refusal.get().message()).contains("the operator is away");
    holds = true;
    assertThat(gate.admit(ruling, allowed)).isEmpty();
  }

  @Test
  void noApprovalIsAskedForOrUsedByElevationWhileTheLeaseIsOver() {
    assertThat(gate.request(ruling)).isEmpty();
    holds = false;
    assertThat(gate.request(ruling).orElseThrow().message()).contains("the operator is away");
  }

  @Test
  void whatPolicyDeniesIsDeniedByPolicyAllTheSame() {
    holds = false;
    assertThat(gate.admit(ruling, denied).orElseThrow().kind()).isEqualTo(Refusal.Kind.POLICY);
  }
}
