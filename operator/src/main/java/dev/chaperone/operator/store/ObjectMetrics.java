package dev.chaperone.operator.store;

import dev.chaperone.operator.objects.BucketException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/** What is counted of object storage. */
final class ObjectMetrics {
  private final MeterRegistry registry;
  private final Counter bytes;
  private final Counter released;
  private final Counter deleted;

  ObjectMetrics(MeterRegistry registry) {
    this.registry = registry;
    bytes =
        counter(
            "chaperone.objects.uploaded.bytes",
            "Bytes of recordings that object storage has confirmed");
    released =
        counter(
            "chaperone.objects.released",
            "Recordings that object storage has, and the volume not any more");
    deleted =
        counter(
            "chaperone.objects.deleted",
            "Copies of recordings in object storage whose time was over");
    for (BucketException.Reason reason : BucketException.Reason.values()) {
      failures(reason.label());
    }
  }

  private Counter counter(String name, String description) {
    return Counter.builder(name).description(description).register(registry);
  }

  private Counter failures(String reason) {
    return Counter.builder("chaperone.objects.failures")
        .description("Times that object storage did not do what it was asked for")
        .tag("reason", reason)
        .register(registry);
  }

  /** Watches what waits. */
  void watch(
      ObjectUploads uploads,
      ToDoubleFunction<ObjectUploads> waiting,
      ToDoubleFunction<ObjectUploads> oldestSeconds) {
    Gauge.builder("chaperone.objects.waiting.bytes", uploads, waiting)
        .description("Bytes of recordings on the volume that object storage does not have")
        .register(registry);
    TimeGauge.builder("chaperone.objects.oldest", uploads, TimeUnit.SECONDS, oldestSeconds)
        .description("For how long the oldest of them waits")
        .register(registry);
  }

  void uploaded(long more) {
    bytes.increment((double) more);
  }

  void released() {
    released.increment();
  }

  void deleted() {
    deleted.increment();
  }

  void failed(IOException e) {
    failures(e instanceof BucketException failure ? failure.reason().label() : "volume")
        .increment();
  }
}
