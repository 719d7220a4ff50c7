package dev.chaperone.sidecar.journal;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What is counted of one connection's recordings. */
final class JournalMetrics {
  private final Counter events;
  private final Counter bytes;
  private final Timer force;
  private final Counter unavailableSeconds;
  private final Counter gaps;
  private final Counter unrecorded;
  private final AtomicInteger unavailable = new AtomicInteger();
  private final AtomicLong unstored = new AtomicLong();

  JournalMetrics(MeterRegistry registry, String connection) {
    events =
        counter(registry, connection, "chaperone.recording.events", "Events that are on the disk");
    bytes =
        counter(registry, connection, "chaperone.recording.bytes", "Bytes of events on the disk");
    force =
        Timer.builder("chaperone.recording.force")
            .description("Time to bring a group of events to the disk")
            .tag("connection", connection)
            .register(registry);
    unavailableSeconds =
        counter(
            registry,
            connection,
            "chaperone.recording.unavailable.seconds",
            "Seconds in which nothing could be recorded");
    gaps = counter(registry, connection, "chaperone.recording.gaps", "Gaps in recordings");
    unrecorded =
        counter(
            registry,
            connection,
            "chaperone.recording.unrecorded.operations",
            "Operations that were forwarded without a record");
    gauge(
        registry,
        connection,
        "chaperone.recording.unavailable",
        "1 while nothing can be recorded",
        unavailable);
    gauge(
        registry,
        connection,
        "chaperone.recording.unstored.bytes",
        "Bytes of the present session that the operator has not stored",
        unstored);
  }

  /** The last session of a connection counts. */
  private static void gauge(
      MeterRegistry registry, String connection, String name, String description, Number value) {
    Gauge previous = registry.find(name).tag("connection", connection).gauge();
    if (previous != null) {
      registry.remove(previous);
    }
    Gauge.builder(name, value, Number::doubleValue)
        .description(description)
        .tag("connection", connection)
        .strongReference(true)
        .register(registry);
  }

  private static Counter counter(
      MeterRegistry registry, String connection, String name, String description) {
    return Counter.builder(name)
        .description(description)
        .tag("connection", connection)
        .register(registry);
  }

  void forced(long moreEvents, long moreBytes, long nanos) {
    events.increment((double) moreEvents);
    bytes.increment((double) moreBytes);
    force.record(Duration.ofNanos(nanos));
  }

  void unstored(long waiting) {
    unstored.set(waiting);
  }

  void unavailable(boolean is) {
    unavailable.set(is ? 1 : 0);
  }

  void unavailableFor(long nanos) {
    unavailableSeconds.increment(nanos / 1e9);
  }

  void gap() {
    gaps.increment();
  }

  void unrecorded() {
    unrecorded.increment();
  }
}
