package dev.chaperone.operator.distribution;

import dev.chaperone.control.translation.PodSelection;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.injection.GatewayNames;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Which connections a pod is an agent of, and which of them its gateway was made for. */
public final class PodConnections {
  private PodConnections() {}

  /** Whether a connection means a pod of its namespace, by the labels that the pod has now. */
  public static boolean isSelected(Pod pod, AgentConnection connection) {
    Map<String, String> labels =
        Objects.requireNonNullElse(pod.getMetadata().getLabels(), Map.of());
    return PodSelection.matches(connection.getSpec().agents().podSelector(), labels);
  }

  /**
   * Whether the pod's gateway can serve a connection: it was there when the pod was made, and so
   * its Secret is mounted. A connection that is younger needs another pod.
   */
  public static boolean isServed(Pod pod, AgentConnection connection) {
    if (pod.getSpec() == null
        || pod.getSpec().getInitContainers().stream()
            .noneMatch(container -> GatewayNames.CONTAINER.equals(container.getName()))) {
      return false;
    }
    String directory = connection.getMetadata().getName() + "/";
    return pod.getSpec().getVolumes().stream()
        .filter(volume -> GatewayNames.SECRETS_VOLUME.equals(volume.getName()))
        .map(Volume::getProjected)
        .filter(Objects::nonNull)
        .flatMap(projected -> projected.getSources().stream())
        .map(VolumeProjection::getSecret)
        .filter(Objects::nonNull)
        .flatMap(secret -> secret.getItems().stream())
        .map(KeyToPath::getPath)
        .anyMatch(path -> path != null && path.startsWith(directory));
  }

  /**
   * The connections that a pod's gateway is to enforce, by name. Those it was not made for are left
   * out: it could not put in force anything else together with them.
   *
   * @param connections of the pod's namespace
   */
  public static List<AgentConnection> of(Pod pod, List<AgentConnection> connections) {
    return connections.stream()
        .filter(connection -> isSelected(pod, connection) && isServed(pod, connection))
        .sorted(Comparator.comparing(connection -> connection.getMetadata().getName()))
        .toList();
  }
}
