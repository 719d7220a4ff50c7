package dev.chaperone.sidecar.control;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private final Backoff backoff =
      new Backoff(Duration.ofMillis(200), Duration.ofSeconds(5), new Random(1));

  @Test
  void pausesGrowToABoundAndAreNeverExact() {
    long[] due = {200, 400, 800, 1_600, 3_200, 5_000, 5_000};
    for (long most : due) {
      assertThat(backoff.nextMillis()).isBetween(most / 2, most);
    }
    assertThat(java.util.stream.LongStream.generate(backoff::nextMillis).limit(20).distinct())
        .hasSizeGreaterThan(10);
  }

  @Test
  void beginsAnewAfterItWentWell() {
    for (int i = 0; i < 10; i++) {
      backoff.nextMillis();
    }
    backoff.reset();
    assertThat(backoff.nextMillis()).isBetween(100L, 200L);
  }
}
