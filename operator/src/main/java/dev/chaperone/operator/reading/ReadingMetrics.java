package dev.chaperone.operator.reading;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** What is counted of those who read. */
final class ReadingMetrics {
  private final MeterRegistry registry;
  private final Counter bytes;

  ReadingMetrics(MeterRegistry registry) {
    this.registry = registry;
    bytes =
        Counter.builder("chaperone.reading.bytes")
            .description("Bytes of recordings that were sent to readers")
            .register(registry);
  }

  /**
   * A request was answered.
   *
   * @param resource one of a few words
   */
  void answered(String resource, int code) {
    Counter.builder("chaperone.reading.requests")
        .description("Requests for recordings")
        .tag("resource", resource)
        .tag("code", Integer.toString(code))
        .register(registry)
        .increment();
  }

  void sent(long more) {
    bytes.increment((double) more);
  }
}
