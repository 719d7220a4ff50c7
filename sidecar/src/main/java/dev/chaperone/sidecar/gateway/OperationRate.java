package dev.chaperone.sidecar.gateway;

import java.util.function.LongSupplier;

/** Counts the operations of a session over the last 60 seconds, in steps of one second. */
final class OperationRate {
  private static final int SECONDS = 60;

  private final LongSupplier nanoClock;
  private final long[] counts = new long[SECONDS];
  private long currentSecond;
  private long total;

  OperationRate() {
    this(System::nanoTime);
  }

  OperationRate(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
    this.currentSecond = second();
  }

  /** Counts one operation if fewer than {@code limit} were counted in the last minute. */
  synchronized boolean tryAcquire(long limit) {
    advance();
    if (total >= limit) {
      return false;
    }
    counts[(int) Math.floorMod(currentSecond, (long) SECONDS)]++;
    total++;
    return true;
  }

  private void advance() {
    long now = second();
    for (int i = 0; currentSecond < now && i < SECONDS; i++) {
      currentSecond++;
      int slot = (int) Math.floorMod(currentSecond, (long) SECONDS);
      total -= counts[slot];
      counts[slot] = 0;
    }
    currentSecond = now;
  }

  private long second() {
    return Math.floorDiv(nanoClock.getAsLong(), 1_000_000_000L);
  }
}
