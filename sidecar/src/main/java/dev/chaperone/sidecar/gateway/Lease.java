package dev.chaperone.sidecar.gateway;

import dev.chaperone.control.translation.ConnectionConfiguration;

/**
 * Whether what was said last of a connection may still be enforced. Asked for every operation, from
 * any thread.
 */
public interface Lease {
  /** For a gateway that nobody but its own files tells what to enforce. */
  Lease UNLIMITED = connection -> true;

  /** Whether operations of this connection may go on. */
  boolean holds(ConnectionConfiguration connection);
}
