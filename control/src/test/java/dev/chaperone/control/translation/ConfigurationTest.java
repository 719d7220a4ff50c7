package dev.chaperone.control.translation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.crds.v1alpha1.Durability;
import dev.chaperone.crds.v1alpha1.OnUnavailable;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.RecordedResponses;
import dev.chaperone.crds.v1alpha1.TlsMode;
import dev.chaperone.policy.Access;
import dev.chaperone.policy.Decision;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.Operation;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigurationTest {
  private static final Path RESOURCES = Path.of("src/test/resources/resources");

  @TempDir Path directory;

  @BeforeEach
  void copyCommon() throws Exception {
    for (String name : List.of("pod", "secret", "connection")) {
      Files.copy(RESOURCES.resolve("common/" + name + ".yaml"), directory.resolve(name + ".yaml"));
    }
    Files.copy(
        RESOURCES.resolve("valid/valid-every-rule-field.yaml"), directory.resolve("policy.yaml"));
  }

  @Test
  void holdsEverythingTheGatewayNeeds() throws Exception {
    Configuration configuration = Configuration.load(directory, 9);
    assertThat(configuration.generation()).isEqualTo(9);
    assertThat(configuration.policies().generation()).isEqualTo(9);
    assertThat(configuration.subject().serviceAccount()).isEqualTo("support-agent");
    ConnectionConfiguration connection = configuration.connections().get(0);
    assertThat(connection.protocol()).isEqualTo(Protocol.POSTGRESQL);
    assertThat(connection.target())
        .isEqualTo(new ConnectionConfiguration.Target("orders.prod.svc", 5432, "orders"));
    assertThat(connection.tls().mode()).isEqualTo(TlsMode.VERIFY_FULL);
    assertThat(connection.tls().serverName()).isEqualTo("orders.prod.svc");
    assertThat(connection.credentials().username()).isEqualTo("agent");
    assertThat(connection.credentials().password().chars())
        .isEqualTo("correct-horse".toCharArray());
    assertThat(connection.bounds())
        .isEqualTo(new ConnectionConfiguration.Bounds(100, 1L << 20, 64L << 20));
    assertThat(connection.limits().rowsPerOperation()).isEqualTo(OptionalLong.of(10_000));
    assertThat(connection.limits().bytesPerOperation()).isEqualTo(OptionalLong.of(64L << 20));
    assertThat(connection.suspended()).isFalse();
    assertThat(connection.withTarget("localhost", 1).tls().serverName())
        .isEqualTo("orders.prod.svc");
  }

  @Test
  void recordsUnlessTheConnectionSaysOtherwise() throws Exception {
    assertThat(Configuration.load(directory, 1).connections().get(0).recording())
        .isEqualTo(
            new ConnectionConfiguration.Recording(
                RecordedResponses.MASKED,
                100,
                OnUnavailable.DENY,
                Durability.GROUPED,
                Duration.ofDays(30)));
    Files.delete(directory.resolve("connection.yaml"));
    Files.delete(directory.resolve("policy.yaml"));
    Files.copy(
        RESOURCES.resolve("valid/valid-every-connection-field.yaml"),
        directory.resolve("connection.yaml"));
    assertThat(Configuration.load(directory, 1).connections().get(0).recording())
        .isEqualTo(
            new ConnectionConfiguration.Recording(
                RecordedResponses.SUMMARY,
                7,
                OnUnavailable.CONTINUE,
                Durability.SYNC,
                Duration.ofHours(36)));
  }

  @Test
  void decidesAsThePolicySays() throws Exception {
    Configuration configuration = Configuration.load(directory, 1);
    Operation update =
        new Operation(
            "PostgreSQL",
            "",
            List.of(
                new Operation.Part(
                    "UPDATE",
                    List.of(new Access(Effect.WRITE, "UPDATE", "public.tickets")),
                    Map.of("hasWhere", true))),
            Set.of());
    assertThat(
            configuration
                .policies()
                .decide(
                    update,
                    configuration.connections().get(0).requester(),
                    Instant.parse("2026-01-01T00:00:00Z")))
        .isInstanceOf(Decision.Allow.class);
  }

  @Test
  void saysWhichFieldsOnlyAClusterActsOn() throws Exception {
    Path connection = directory.resolve("connection.yaml");
    assertThat(Configuration.load(directory, 1).notices())
        .noneMatch(notice -> notice.contains("leaseSeconds"));
    Files.writeString(
        connection, Files.readString(connection).stripTrailing() + "\n  leaseSeconds: 60\n");
    assertThat(Configuration.load(directory, 2).notices())
        .anyMatch(
            notice ->
                notice.contains("spec.leaseSeconds") && notice.contains("has no effect here"));
  }

  @Test
  void showsNoSecret() throws Exception {
    assertThat(Configuration.load(directory, 1).toString()).doesNotContain("correct-horse");
  }

  @Test
  void seesEachChange() throws Exception {
    ConnectionConfiguration before = Configuration.load(directory, 1).connections().get(0);
    assertThat(Configuration.load(directory, 2).connections().get(0)).isEqualTo(before);
    Path secret = directory.resolve("secret.yaml");
    Files.writeString(secret, Files.readString(secret).replace("correct-horse", "other"));
    assertThat(Configuration.load(directory, 3).connections().get(0)).isNotEqualTo(before);
  }

  @Test
  void standInUidChangesWithTheContent() throws Exception {
    Configuration one = Configuration.load(directory, 1);
    String uid = one.policies().policies(one.connections().get(0).requester()).get(0).uid();
    Path policy = directory.resolve("policy.yaml");
    Files.writeString(policy, Files.readString(policy).replace("10000", "20000"));
    Configuration two = Configuration.load(directory, 2);
    assertThat(two.policies().policies(two.connections().get(0).requester()).get(0).uid())
        .isNotEqualTo(uid);
  }

  @Test
  void quantities() {
    assertThat(Quantities.bytes("12")).isEqualTo(OptionalLong.of(12));
    assertThat(Quantities.bytes("64Mi")).isEqualTo(OptionalLong.of(64L << 20));
    assertThat(Quantities.bytes("2k")).isEqualTo(OptionalLong.of(2_000));
    assertThat(Quantities.bytes("999999999999Gi")).isEmpty();
    assertThat(Quantities.bytes("1.5Mi")).isEmpty();
    assertThat(Quantities.duration("15m")).isEqualTo(Duration.ofMinutes(15));
    assertThat(Quantities.duration("30d")).isEqualTo(Duration.ofDays(30));
    assertThat(Quantities.duration("1h30m")).isEqualTo(Duration.ofMinutes(90));
  }

  @Test
  void secretsCompareByValue() {
    SecretBytes one = new SecretBytes("a".getBytes(StandardCharsets.UTF_8));
    assertThat(one)
        .isEqualTo(new SecretBytes("a".getBytes(StandardCharsets.UTF_8)))
        .isNotEqualTo(new SecretBytes("b".getBytes(StandardCharsets.UTF_8)))
        .hasToString("(secret)");
  }
}
