package dev.chaperone.benchmarks.wire;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * A median with its spread.
 *
 * @param median the middle
 * @param min the lowest
 * @param max the highest
 */
record Spread(double median, double min, double max) {
  static Spread of(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int half = sorted.size() / 2;
    double median =
        sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2;
    return new Spread(median, sorted.get(0), sorted.get(sorted.size() - 1));
  }

  static Spread of(List<Sample> samples, ToDoubleFunction<Sample> value) {
    return of(samples.stream().map(value::applyAsDouble).toList());
  }

  /** The ratio within each round: what else the machine did then touched both. */
  static Spread ofRatios(List<Sample> samples, List<Sample> base) {
    return of(
        IntStream.range(0, samples.size())
            .mapToObj(round -> samples.get(round).tps() / base.get(round).tps())
            .toList());
  }

  String ratio() {
    return String.format(Locale.ROOT, "%.2f [%.2f-%.2f]", median, min, max);
  }

  String json() {
    return String.format(
        Locale.ROOT, "{\"median\": %.4f, \"min\": %.4f, \"max\": %.4f}", median, min, max);
  }
}
