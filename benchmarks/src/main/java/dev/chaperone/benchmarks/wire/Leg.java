package dev.chaperone.benchmarks.wire;

import java.util.List;
import java.util.Optional;

/**
 * One way to the database.
 *
 * @param name what it is called in the results
 * @param port where clients connect
 * @param process the process in between, if there is one
 */
record Leg(String name, int port, Optional<Running> process) {
  static final String DIRECT = "direct";
  static final String PGBOUNCER = "pgbouncer";

  /** The gateway with policy and recording. */
  static final String GATEWAY = "gateway";

  /** The gateway with policy, recording and masking. */
  static final String MASKING = "masking";

  static final List<String> NAMES = List.of(DIRECT, PGBOUNCER, GATEWAY, MASKING);

  /** Whether what is in between compiles itself while it runs. */
  boolean compilesItself() {
    return name.equals(GATEWAY) || name.equals(MASKING);
  }
}
