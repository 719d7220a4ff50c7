package dev.chaperone.operator.webhook;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import java.io.IOException;
import java.util.List;

/** Finds the connections of a namespace. */
@FunctionalInterface
public interface ConnectionSource {

  /**
   * All of them, as they are stored at this moment; never from a cache, which could be behind.
   *
   * @throws IOException where that cannot be told
   */
  List<AgentConnection> connections(String namespace) throws IOException;
}
