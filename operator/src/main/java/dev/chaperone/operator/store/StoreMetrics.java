package dev.chaperone.operator.store;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;

/** What is counted of the store. */
final class StoreMetrics {
  private final MeterRegistry registry;
  private final Counter bytes;
  private final Timer time;
  private final Counter failures;
  private final Counter full;
  private final Counter countersigned;
  private final Counter notCountersigned;

  StoreMetrics(MeterRegistry registry, RecordingStore store, StoreSettings settings) {
    this.registry = registry;
    bytes = counter("chaperone.store.received.bytes", "Bytes of recordings that were stored");
    time =
        Timer.builder("chaperone.store.piece")
            .description("Time to verify a piece of a recording and bring it to the disk")
            .register(registry);
    failures = counter("chaperone.store.failures", "Pieces that could not be written or read");
    full = counter("chaperone.store.full", "Pieces for which there was no room");
    countersigned = counter("chaperone.store.countersigned", "Heads that were countersigned");
    notCountersigned =
        counter(
            "chaperone.store.countersigning.failures",
            "Times that a head could not be countersigned; it is tried again");
    Gauge.builder("chaperone.store.bytes", store, RecordingStore::bytes)
        .description("Bytes of recordings in the store")
        .register(registry);
    Gauge.builder("chaperone.store.limit.bytes", settings, StoreSettings::mostBytes)
        .description("Bytes of recordings that the store may hold")
        .register(registry);
  }

  private Counter counter(String name, String description) {
    return Counter.builder(name).description(description).register(registry);
  }

  void stored(long moreBytes, long nanos) {
    bytes.increment((double) moreBytes);
    time.record(Duration.ofNanos(nanos));
  }

  void failed() {
    failures.increment();
  }

  void countersigned() {
    countersigned.increment();
  }

  void notCountersigned() {
    notCountersigned.increment();
  }

  void full() {
    full.increment();
  }

  /**
   * A recording was rejected.
   *
   * @param reason one of a few words
   */
  void rejected(String reason) {
    Counter.builder("chaperone.store.rejected")
        .description("Recordings that did not verify when they arrived")
        .tag("reason", reason)
        .register(registry)
        .increment();
  }
}
