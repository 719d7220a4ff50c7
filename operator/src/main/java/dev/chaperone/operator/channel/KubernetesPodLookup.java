package dev.chaperone.operator.channel;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.util.Optional;

/** Looks pods up at the API server. */
public final class KubernetesPodLookup implements PodLookup {
  private final KubernetesClient client;
  private final String sidecar;

  /**
   * Looks pods up.
   *
   * @param sidecar the name of the sidecar's container, an init container that is restarted
   */
  public KubernetesPodLookup(KubernetesClient client, String sidecar) {
    this.client = client;
    this.sidecar = sidecar;
  }

  @Override
  public Optional<Found> find(String namespace, String name) throws IOException {
    Pod pod;
    try {
      pod = client.pods().inNamespace(namespace).withName(name).get();
    } catch (KubernetesClientException e) {
      throw new IOException("the pod cannot be looked up, status " + e.getCode(), e);
    }
    return Optional.ofNullable(pod)
        .map(found -> new Found(found.getMetadata().getUid(), restarts(found)));
  }

  /** A container without a status was not started yet. */
  private long restarts(Pod pod) {
    if (pod.getStatus() == null) {
      return 0;
    }
    return pod.getStatus().getInitContainerStatuses().stream()
        .filter(status -> sidecar.equals(status.getName()))
        .map(ContainerStatus::getRestartCount)
        .mapToLong(count -> count == null ? 0 : count)
        .max()
        .orElse(0);
  }
}
