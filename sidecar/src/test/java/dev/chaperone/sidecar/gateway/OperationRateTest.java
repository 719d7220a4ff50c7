package dev.chaperone.sidecar.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OperationRateTest {
  private final AtomicLong now = new AtomicLong();

  private void pass(long seconds) {
    now.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -5_500_000_000L, Long.MAX_VALUE / 2})
  void noMinuteHasMoreThanTheLimit(long begin) {
    now.set(begin);
    OperationRate rate = new OperationRate(now::get);
    for (int i = 0; i < 3; i++) {
      assertThat(rate.tryAcquire(3)).isTrue();
      pass(10);
    }
    assertThat(rate.tryAcquire(3)).isFalse();
    pass(29);
    assertThat(rate.tryAcquire(3)).isFalse();
    pass(1);
    assertThat(rate.tryAcquire(3)).isTrue();
    assertThat(rate.tryAcquire(3)).isFalse();
  }

  @Test
  void aRefusedOperationDoesNotCount() {
    OperationRate rate = new OperationRate(now::get);
    assertThat(rate.tryAcquire(1)).isTrue();
    for (int i = 0; i < 59; i++) {
      pass(1);
      assertThat(rate.tryAcquire(1)).isFalse();
    }
    pass(1);
    assertThat(rate.tryAcquire(1)).isTrue();
  }

  @Test
  void aLongRestForgetsEverything() {
    OperationRate rate = new OperationRate(now::get);
    for (int i = 0; i < 100; i++) {
      rate.tryAcquire(100);
    }
    pass(1_000_000);
    assertThat(rate.tryAcquire(1)).isTrue();
  }

  @Test
  void aHigherLimitIsInForceAtOnce() {
    OperationRate rate = new OperationRate(now::get);
    assertThat(rate.tryAcquire(1)).isTrue();
    assertThat(rate.tryAcquire(1)).isFalse();
    assertThat(rate.tryAcquire(2)).isTrue();
  }
}
