package dev.chaperone.operator.reconcile;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.time.Duration;

/**
 * Requests that are made once and given up after a while: who made them asks anew, or not at all.
 */
final class Impatient {
  private Impatient() {}

  /**
   * A client like another one.
   *
   * @param patience for a request, from its beginning to its answer
   * @return to be closed by the caller
   */
  static KubernetesClient client(KubernetesClient client, Duration patience) {
    Config config =
        new ConfigBuilder(client.getConfiguration())
            .withConnectionTimeout((int) patience.toMillis())
            .withRequestTimeout((int) patience.toMillis())
            .withRequestRetryBackoffLimit(0)
            .build();
    return new KubernetesClientBuilder().withConfig(config).build();
  }
}
