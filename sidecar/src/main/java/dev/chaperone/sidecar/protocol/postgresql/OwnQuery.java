package dev.chaperone.sidecar.protocol.postgresql;

import java.util.ArrayList;
import java.util.List;

/**
 * A question the gateway asks the target on a client's connection, between two operations. Nothing
 * of the answer reaches the client.
 */
final class OwnQuery {

  /** Told when the answer is complete. */
  interface Listener {
    /**
     * The target answered.
     *
     * @param values the first column of each row, in order
     */
    void answered(List<String> values);

    void failed();
  }

  private final Listener listener;
  private final List<String> values = new ArrayList<>(2);
  private boolean failed;

  OwnQuery(Listener listener) {
    this.listener = listener;
  }

  void value(String value) {
    values.add(value);
  }

  void error() {
    failed = true;
  }

  void complete() {
    if (failed) {
      listener.failed();
    } else {
      listener.answered(values);
    }
  }
}
