package dev.chaperone.operator.reconcile;

import java.time.Clock;
import java.time.Duration;
import java.util.Objects;

/**
 * What the control loop is told.
 *
 * @param namespace the operator's own
 * @param instance names this replica, as its pod does
 * @param requestRetention how long a request is kept after its end
 * @param sessionRetention how long a session is kept after its end
 * @param lease how long a leader that says nothing is believed to lead; at least 3 seconds
 * @param sweep how often the leader looks for what is over
 * @param patience how long the leader leaves to a sidecar what a sidecar can end itself
 * @param clock the time
 */
public record ControlSettings(
    String namespace,
    String instance,
    Duration requestRetention,
    Duration sessionRetention,
    Duration lease,
    Duration sweep,
    Duration patience,
    Clock clock) {
  /** The Lease that replicas become the leader by. */
  public static final String LEASE = "chaperone-operator";

  public ControlSettings {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(instance, "instance");
    Objects.requireNonNull(clock, "clock");
    if (requestRetention.isNegative() || sessionRetention.isNegative() || patience.isNegative()) {
      throw new IllegalArgumentException("a duration is negative");
    }
    if (lease.compareTo(Duration.ofSeconds(3)) < 0) {
      throw new IllegalArgumentException("a lease of " + lease + " is shorter than 3 seconds");
    }
    if (sweep.isNegative() || sweep.isZero()) {
      throw new IllegalArgumentException("sweep " + sweep);
    }
  }

  /** What the operator uses. */
  public static ControlSettings standard(
      String namespace, String instance, Duration requestRetention, Duration sessionRetention) {
    return new ControlSettings(
        namespace,
        instance,
        requestRetention,
        sessionRetention,
        Duration.ofSeconds(15),
        Duration.ofSeconds(5),
        Duration.ofSeconds(30),
        Clock.systemUTC());
  }
}
