package dev.chaperone.operator.load;

import java.util.Arrays;
import java.util.Collection;

/**
 * How single measurements are spread.
 *
 * @param count how many there are
 */
record Percentiles(int count, double p50, double p99, double max) {

  /** Of times in nanoseconds, as milliseconds; there must be at least one. */
  static Percentiles ofNanos(Collection<Long> nanos) {
    double[] sorted = nanos.stream().mapToDouble(one -> one / 1e6).toArray();
    Arrays.sort(sorted);
    return new Percentiles(
        sorted.length,
        sorted[sorted.length / 2],
        sorted[(int) Math.ceil(sorted.length * 0.99) - 1],
        sorted[sorted.length - 1]);
  }
}
