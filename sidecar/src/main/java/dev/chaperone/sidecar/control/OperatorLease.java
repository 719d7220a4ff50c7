package dev.chaperone.sidecar.control;

import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.sidecar.gateway.Lease;
import java.util.function.LongSupplier;

/**
 * Holds for each connection's {@code leaseSeconds} after the operator was last heard: whatever it
 * says, a heartbeat included, begins them anew, and so ends a denial at once.
 */
public final class OperatorLease implements Lease {
  private final LongSupplier nanoClock;
  private volatile long heardAt;

  /** Begins now. */
  public OperatorLease() {
    this(System::nanoTime);
  }

  OperatorLease(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
    this.heardAt = nanoClock.getAsLong();
  }

  /** The operator was heard, after it was let in. */
  void heard() {
    heardAt = nanoClock.getAsLong();
  }

  @Override
  public boolean holds(ConnectionConfiguration connection) {
    return nanoClock.getAsLong() - heardAt < connection.lease().toNanos();
  }
}
