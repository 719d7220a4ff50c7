package dev.chaperone.benchmarks.wire;

import java.util.Arrays;
import java.util.Locale;

/** How single measurements are spread. */
record Percentiles(double p50, double p99, double max) {

  static Percentiles of(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return new Percentiles(
        sorted[sorted.length / 2],
        sorted[Math.min(sorted.length - 1, (int) Math.ceil(sorted.length * 0.99) - 1)],
        sorted[sorted.length - 1]);
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "p50 %.2f, p99 %.2f, max %.2f", p50, p99, max);
  }
}
