package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Bindings as ConfigMaps in the operator's own namespace, one for each pod, named after its uid.
 *
 * <p>Not in the AgentSession's status: a sidecar proves its key before it has any session, one pod
 * has a session for each connection, and who may write in a pod's namespace is not the operator's
 * to say. A name that is the pod's uid makes the first binding atomic: of two replicas that create
 * it, the API server refuses one.
 */
public final class ConfigMapKeyBindings implements KeyBindings {
  /** What marks these ConfigMaps, to find those whose pod is gone. */
  public static final String LABEL = "chaperone.dev/sidecar-key";

  private static final String PREFIX = "chaperone-sidecar-key-";
  private static final String PUBLIC_KEY = "publicKey";
  private static final String RESTARTS = "restarts";
  private static final String RECORDING_KEY = "recordingKey";
  private static final int CONFLICT = 409;

  private final KubernetesClient client;
  private final String namespace;

  /**
   * Keeps bindings.
   *
   * @param namespace the operator's own
   */
  public ConfigMapKeyBindings(KubernetesClient client, String namespace) {
    this.client = client;
    this.namespace = namespace;
  }

  @Override
  public Optional<Stored> find(SidecarPod pod) throws IOException {
    ConfigMap map;
    try {
      map = client.configMaps().inNamespace(namespace).withName(name(pod)).get();
    } catch (KubernetesClientException e) {
      throw failure(e);
    }
    if (map == null) {
      return Optional.empty();
    }
    try {
      Map<String, String> data = map.getData();
      return Optional.of(
          new Stored(
              new KeyBinding(
                  new Bytes(Base64.getDecoder().decode(data.get(PUBLIC_KEY))),
                  Long.parseLong(data.get(RESTARTS)),
                  Optional.ofNullable(data.get(RECORDING_KEY))
                      .map(key -> new Bytes(Base64.getDecoder().decode(key)))),
              map.getMetadata().getResourceVersion()));
    } catch (IllegalArgumentException | NullPointerException e) {
      // Somebody has edited it. To bind anew would let them choose whose key is next.
      throw new IOException(
          "ConfigMap "
              + namespace
              + "/"
              + name(pod)
              + " is not what the operator wrote; delete it"
              + " if the pod's sidecar may prove its key anew",
          e);
    }
  }

  @Override
  public boolean create(SidecarPod pod, KeyBinding binding) throws IOException {
    try {
      client.resource(map(pod, binding, null)).create();
      return true;
    } catch (KubernetesClientException e) {
      return lost(e);
    }
  }

  @Override
  public boolean replace(SidecarPod pod, Stored read, KeyBinding binding) throws IOException {
    try {
      client.resource(map(pod, binding, read.version())).update();
      return true;
    } catch (KubernetesClientException e) {
      return lost(e);
    }
  }

  private ConfigMap map(SidecarPod pod, KeyBinding binding, String version) {
    Map<String, String> data = new HashMap<>();
    data.put(PUBLIC_KEY, encoded(binding.publicKey()));
    data.put(RESTARTS, Long.toString(binding.restarts()));
    binding.recordingKey().ifPresent(key -> data.put(RECORDING_KEY, encoded(key)));
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withNamespace(namespace)
        .withName(name(pod))
        .withResourceVersion(version)
        .addToLabels(LABEL, "true")
        .addToAnnotations("chaperone.dev/pod", pod.toString())
        .endMetadata()
        .withData(data)
        .build();
  }

  private static String encoded(Bytes key) {
    return Base64.getEncoder().encodeToString(key.toArray());
  }

  private static String name(SidecarPod pod) {
    return PREFIX + pod.uid();
  }

  private static boolean lost(KubernetesClientException e) throws IOException {
    if (e.getCode() == CONFLICT) {
      return false;
    }
    throw failure(e);
  }

  private static IOException failure(KubernetesClientException e) {
    return new IOException("key bindings cannot be reached, status " + e.getCode(), e);
  }
}
