package dev.chaperone.sidecar.gateway;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.Supplier;

/** What is counted for one connection. Names carry no content: no statement, no value. */
public final class ConnectionMetrics {
  private static final String CLIENT_CONNECTIONS = "chaperone.client.connections";

  private final MeterRegistry registry;
  private final String connection;
  private final Counter allowed;
  private final Counter approved;
  private final Map<Refusal.Kind, Counter> refused = new EnumMap<>(Refusal.Kind.class);
  private final Counter protocolErrors;
  private final Counter limited;
  private final Counter masked;
  private final Timer analysis;

  ConnectionMetrics(MeterRegistry registry, String connection, Supplier<Number> clientCount) {
    this.registry = registry;
    this.connection = connection;
    this.allowed = operations("allowed", "none");
    this.approved = operations("approved", "none");
    for (Refusal.Kind kind : Refusal.Kind.values()) {
      refused.put(kind, operations("refused", kind.label()));
    }
    this.protocolErrors =
        Counter.builder("chaperone.protocol.errors")
            .description("Messages that were not understood")
            .tag("connection", connection)
            .register(registry);
    this.limited =
        Counter.builder("chaperone.results.limited")
            .description("Operations ended because their result passed a limit")
            .tag("connection", connection)
            .register(registry);
    this.masked =
        Counter.builder("chaperone.masked.values")
            .description("Values that were masked")
            .tag("connection", connection)
            .register(registry);
    this.analysis =
        Timer.builder("chaperone.analysis")
            .description("Time to read and decide an operation that was not in the cache")
            .tag("connection", connection)
            .register(registry);
    // A connection that is served anew, on another port or after it was gone, is counted anew.
    Gauge previous = registered();
    if (previous != null) {
      registry.remove(previous);
    }
    Gauge.builder(CLIENT_CONNECTIONS, clientCount)
        .description("Open client connections")
        .tag("connection", connection)
        .register(registry);
  }

  void allowed() {
    allowed.increment();
  }

  void approved() {
    approved.increment();
  }

  void refused(Refusal.Kind kind) {
    refused.get(kind).increment();
  }

  /** A message was not understood. */
  public void protocolError() {
    protocolErrors.increment();
  }

  /** A result passed a limit. */
  public void resultLimited() {
    limited.increment();
  }

  /** A result was not what it was foreseen to be and did not pass. */
  public void resultWithheld() {
    refused(Refusal.Kind.MASK);
  }

  /** Values were masked. */
  public void masked(int values) {
    masked.increment(values);
  }

  /** An operation was read and decided. */
  public void analyzed(Duration duration) {
    analysis.record(duration);
  }

  /**
   * A client connection could not be opened.
   *
   * @param cause a constant, such as {@code target-unreachable}
   */
  public void loginFailed(String cause) {
    Counter.builder("chaperone.login.failures")
        .description("Client connections that could not be opened")
        .tag("connection", connection)
        .tag("cause", cause)
        .register(registry)
        .increment();
  }

  /** How many operations of a connection of this name were counted so far, in any session. */
  SessionActivity activity() {
    return new SessionActivity(
        (long) allowed.count(),
        (long) refused.values().stream().mapToDouble(Counter::count).sum(),
        (long) approved.count());
  }

  private Gauge registered() {
    return registry.find(CLIENT_CONNECTIONS).tag("connection", connection).gauge();
  }

  private Counter operations(String decision, String reason) {
    return Counter.builder("chaperone.operations")
        .description("Operations by decision")
        .tag("connection", connection)
        .tag("decision", decision)
        .tag("reason", reason)
        .register(registry);
  }
}
