package dev.chaperone.operator.distribution;

import dev.chaperone.operator.store.ObjectUploads;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;

/** Says of the replica's own pod that object storage fails, and that it works again. */
final class ObjectStorageEvents implements ObjectUploads.Observer {
  private static final System.Logger LOGGER = System.getLogger(ObjectStorageEvents.class.getName());
  private static final String FAILS = "ObjectStorageFails";
  private static final String WORKS = "ObjectStorageWorks";

  private final KubernetesClient client;
  private final String namespace;
  private final String pod;
  private final EventWriter events;

  ObjectStorageEvents(KubernetesClient client, String namespace, String pod, EventWriter events) {
    this.client = client;
    this.namespace = namespace;
    this.pod = pod;
    this.events = events;
  }

  @Override
  public void fails(String why) {
    write(EventWriter.Kind.WARNING, FAILS, "recordings stay on the volume: " + why);
  }

  @Override
  public void works() {
    write(EventWriter.Kind.NORMAL, WORKS, "recordings are uploaded again");
  }

  private void write(EventWriter.Kind kind, String reason, String message) {
    try {
      Pod about = client.pods().inNamespace(namespace).withName(pod).get();
      if (about != null) {
        events.write(about, kind, reason, message);
      }
    } catch (KubernetesClientException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "event not written reason={0} error={1}",
          reason,
          ApiErrors.describe(e));
    }
  }
}
