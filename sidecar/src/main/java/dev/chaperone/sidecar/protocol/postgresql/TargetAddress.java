package dev.chaperone.sidecar.protocol.postgresql;

import java.util.Objects;

/** Where the target is and how the way there is secured. */
record TargetAddress(String host, int port, TargetTls tls) {
  TargetAddress {
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(tls, "tls");
  }
}
