package dev.chaperone.sidecar.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.translation.Configuration;
import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OperatorLeaseTest {
  @TempDir Path directory;

  private long now = Long.MAX_VALUE - 5;

  @Test
  void lastsForEachConnectionsOwnTimeAfterTheOperatorWasHeardLast() throws Exception {
    ConnectionConfiguration brief = connection(20);
    ConnectionConfiguration lasting = connection(300);
    OperatorLease lease = new OperatorLease(() -> now);
    assertThat(lease.holds(brief)).isTrue();
    now += TimeUnit.SECONDS.toNanos(20);
    assertThat(lease.holds(brief)).isFalse();
    assertThat(lease.holds(lasting)).isTrue();
    now += TimeUnit.SECONDS.toNanos(280);
    assertThat(lease.holds(lasting)).isFalse();
    lease.heard();
    assertThat(lease.holds(brief)).isTrue();
    assertThat(lease.holds(lasting)).isTrue();
  }

  private ConnectionConfiguration connection(int leaseSeconds) throws Exception {
    GatewayUnderTest.writeConfiguration(directory, 5432, "");
    GatewayUnderTest.writeSecret(directory, "agent", "correct-horse");
    Path file = directory.resolve("connection.yaml");
    Files.writeString(
        file, Files.readString(file).stripTrailing() + "\n  leaseSeconds: " + leaseSeconds + "\n");
    return Configuration.load(directory, 1).connections().get(0);
  }
}
