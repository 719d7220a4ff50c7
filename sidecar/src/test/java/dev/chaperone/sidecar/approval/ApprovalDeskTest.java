package dev.chaperone.sidecar.approval;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.gateway.Session;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ApprovalDeskTest {
  private static final Session SESSION = new Session("s", Instant.EPOCH);

  @TempDir Path status;

  private ApprovalDesk desk() throws Exception {
    ApprovalDesk desk =
        new ApprovalDesk(
            new RequestFiles(status),
            new ApproverGroups(Map.of()),
            Clock.systemUTC(),
            new SimpleMeterRegistry());
    desk.start();
    return desk;
  }

  @Test
  void aSessionThatAskedForNothingIsWithdrawnFromAtOnce() throws Exception {
    try (ApprovalDesk desk = desk()) {
      desk.withdraw(SESSION, "over").toCompletableFuture().get(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void aClosedDeskTakesWhateverComesLate() throws Exception {
    ApprovalDesk desk = desk();
    desk.close();
    assertThat(desk.withdraw(SESSION, "over")).isCompleted();
    desk.decided("request", List.of());
    desk.withdrawn("request", "deleted");
    desk.close();
  }
}
