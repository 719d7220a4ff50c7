package dev.chaperone.sidecar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.ChannelMessage.Health;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class PulseTest {
  private static final Duration WAIT = Duration.ofSeconds(60);
  private static final Duration FOREVER = Duration.ofHours(1);

  @TempDir Path directory;

  private final ExecutorService loop = Executors.newSingleThreadExecutor();
  private volatile Health health = new Health(false, "no configuration is in force");
  private Pulse pulse;

  private void begin(Duration stuck, Duration firstConfiguration, Map<String, Executor> threads)
      throws IOException {
    pulse =
        new Pulse(
            new ProbeFiles(directory),
            new Pulse.Times(
                Duration.ofMillis(20), Duration.ofMillis(20), stuck, firstConfiguration),
            threads,
            () -> health);
    pulse.start();
  }

  @AfterEach
  void end() {
    if (pulse != null) {
      pulse.close();
    }
    loop.shutdownNow();
  }

  private boolean holds(String probe) throws IOException {
    String line = Files.readString(directory.resolve(probe));
    return !line.isEmpty() && !line.startsWith("000000000000 ");
  }

  @Test
  void startedAndReadyFollowTheConfigurationAndAliveDoesNot() throws Exception {
    begin(FOREVER, FOREVER, Map.of("loop", loop));
    await().atMost(WAIT).until(() -> holds("alive"));
    assertThat(holds("started")).isFalse();
    assertThat(holds("ready")).isFalse();
    health = new Health(true, "");
    await().atMost(WAIT).until(() -> holds("ready"));
    assertThat(holds("started")).isTrue();
    health = new Health(false, "it is stopping");
    await().atMost(WAIT).until(() -> !holds("ready"));
    assertThat(holds("started")).isTrue();
    assertThat(holds("alive")).isTrue();
  }

  @Test
  void theFirstConfigurationIsNotWaitedForForEver() throws Exception {
    begin(FOREVER, Duration.ofMillis(100), Map.of("loop", loop));
    await().atMost(WAIT).until(() -> holds("started"));
    assertThat(holds("ready")).isFalse();
  }

  @Test
  void aThreadThatDoesNotTurnIsNotAliveUntilItTurnsAgain() throws Exception {
    ExecutorService other = Executors.newSingleThreadExecutor();
    CountDownLatch release = new CountDownLatch(1);
    try {
      begin(Duration.ofMillis(500), FOREVER, Map.of("loop", loop, "other", other));
      await().atMost(WAIT).until(() -> holds("alive"));
      other.execute(
          () -> {
            try {
              release.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      await().atMost(WAIT).until(() -> !holds("alive"));
      release.countDown();
      await().atMost(WAIT).until(() -> holds("alive"));
    } finally {
      other.shutdownNow();
    }
  }

  @Test
  void aThreadThatHasEndedIsNotAlive() throws Exception {
    begin(Duration.ofMillis(200), FOREVER, Map.of("loop", loop));
    await().atMost(WAIT).until(() -> holds("alive"));
    loop.shutdownNow();
    await().atMost(WAIT).until(() -> !holds("alive"));
  }

  @Test
  void atTheEndNothingIsLeft() throws Exception {
    begin(FOREVER, FOREVER, Map.of("loop", loop));
    await().atMost(WAIT).until(() -> holds("alive"));
    pulse.close();
    assertThat(directory).isEmptyDirectory();
  }
}
