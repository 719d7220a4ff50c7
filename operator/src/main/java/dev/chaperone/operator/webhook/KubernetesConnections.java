package dev.chaperone.operator.webhook;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.util.List;

/** Lists connections at the API server. */
public final class KubernetesConnections implements ConnectionSource {
  private static final int NOT_FOUND = 404;

  private final KubernetesClient client;

  /**
   * Lists connections.
   *
   * @param client with a deadline for its requests
   */
  public KubernetesConnections(KubernetesClient client) {
    this.client = client;
  }

  @Override
  public List<AgentConnection> connections(String namespace) throws IOException {
    try {
      // Without a resource version: what is stored, not what some cache has.
      return client.resources(AgentConnection.class).inNamespace(namespace).list().getItems();
    } catch (KubernetesClientException e) {
      if (e.getCode() == NOT_FOUND) {
        // Without the CRD there are none, and no pod has anything to fear.
        return List.of();
      }
      throw new IOException(
          "the AgentConnections of namespace "
              + namespace
              + " cannot be listed, status "
              + e.getCode(),
          e);
    }
  }
}
