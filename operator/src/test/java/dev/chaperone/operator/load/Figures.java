package dev.chaperone.operator.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/** What was measured: printed as it comes, and written as JSON at the end. */
final class Figures {
  /**
   * One of them.
   *
   * @param bound what it must not be more than; empty where it is only told
   */
  private record Figure(String what, double value, String unit, OptionalDouble bound) {
    boolean held() {
      return bound.isEmpty() || value <= bound.getAsDouble();
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%-5s  %-66s %10.2f %s%s",
          bound.isEmpty() ? "" : held() ? "ok" : "ABOVE",
          what,
          value,
          unit,
          bound.isEmpty()
              ? ""
              : String.format(Locale.ROOT, " (at most %.0f)", bound.getAsDouble()));
    }

    String json() {
      return String.format(
          Locale.ROOT,
          "{\"what\": \"%s\", \"value\": %.4f, \"unit\": \"%s\"%s, \"held\": %b}",
          what,
          value,
          unit,
          bound.isEmpty()
              ? ""
              : String.format(
                  Locale.ROOT, ", \"bound\": %.4f, \"kind\": \"max\"", bound.getAsDouble()),
          held());
    }
  }

  private final List<Figure> all = new ArrayList<>();

  /** A figure without a bound. */
  void add(String what, double value, String unit) {
    add(new Figure(what, value, unit, OptionalDouble.empty()));
  }

  /** A figure that must not be more than the bound. */
  void atMost(String what, double value, String unit, double bound) {
    add(new Figure(what, value, unit, OptionalDouble.of(bound)));
  }

  /** Median and 99th percentile of times, the second within a bound. */
  void times(String what, Percentiles times, double bound) {
    add(what + ", p50", times.p50(), "ms");
    atMost(what + ", p99", times.p99(), "ms", bound);
  }

  /** Median and 99th percentile of times. */
  void times(String what, Percentiles times) {
    add(what + ", p50", times.p50(), "ms");
    add(what + ", p99", times.p99(), "ms");
  }

  private synchronized void add(Figure figure) {
    System.out.println(figure);
    all.add(figure);
  }

  synchronized boolean held() {
    return all.stream().allMatch(Figure::held);
  }

  synchronized void write(Path json, int sidecars) throws IOException {
    Files.createDirectories(json.toAbsolutePath().getParent());
    Files.writeString(
        json,
        all.stream()
            .map(Figure::json)
            .collect(
                Collectors.joining(
                    ",\n  ", "{\"sidecars\": " + sidecars + ", \"operator\": [\n  ", "\n]}\n")));
    System.out.println("\nFigures: " + json);
  }
}
