package dev.chaperone.operator.testing;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * What was in some namespaces, for whoever looks into a failed test: events, our resources, pods
 * and the end of their logs. No Secrets.
 */
final class ClusterDump {
  private static final List<String> OUR_KINDS =
      List.of("AgentConnection", "AccessPolicy", "ApprovalRequest", "AgentSession");
  private static final int LINES = 300;

  private final KubernetesClient client;
  private final StringBuilder text = new StringBuilder();

  ClusterDump(KubernetesClient client) {
    this.client = client;
  }

  String of(List<String> namespaces) {
    for (String namespace : namespaces) {
      text.append("# === namespace ").append(namespace).append('\n');
      events(namespace);
      pods(namespace);
      resources(namespace);
    }
    return text.toString();
  }

  private void events(String namespace) {
    client.v1().events().inNamespace(namespace).list().getItems().stream()
        .sorted(
            Comparator.comparing(event -> Objects.requireNonNullElse(event.getLastTimestamp(), "")))
        .forEach(
            event -> {
              ObjectReference about = event.getInvolvedObject();
              text.append("# ")
                  .append(event.getLastTimestamp())
                  .append(' ')
                  .append(about.getKind())
                  .append('/')
                  .append(about.getName())
                  .append(": ")
                  .append(event.getReason())
                  .append(": ")
                  .append(event.getMessage())
                  .append('\n');
            });
  }

  private void resources(String namespace) {
    for (String kind : OUR_KINDS) {
      try {
        for (HasMetadata resource :
            client
                .genericKubernetesResources("chaperone.dev/v1alpha1", kind)
                .inNamespace(namespace)
                .list()
                .getItems()) {
          resource.getMetadata().setManagedFields(List.of());
          text.append("---\n").append(Serialization.asYaml(resource));
        }
      } catch (KubernetesClientException e) {
        text.append("# no ").append(kind).append(": ").append(e.getMessage()).append('\n');
      }
    }
  }

  private void pods(String namespace) {
    for (Pod pod : client.pods().inNamespace(namespace).list().getItems()) {
      Stream.of(pod.getStatus().getInitContainerStatuses(), pod.getStatus().getContainerStatuses())
          .filter(Objects::nonNull)
          .flatMap(List::stream)
          .forEach(container -> container(namespace, pod.getMetadata().getName(), container));
    }
  }

  private void container(String namespace, String pod, ContainerStatus container) {
    text.append("# --- ")
        .append(pod)
        .append('/')
        .append(container.getName())
        .append(": restarts ")
        .append(container.getRestartCount())
        .append(", ")
        .append(Serialization.asJson(container.getState()))
        .append(", before ")
        .append(Serialization.asJson(container.getLastState()))
        .append('\n');
    // On an API server without a node no container has ever run.
    if (container.getContainerID() == null) {
      return;
    }
    if (container.getRestartCount() > 0) {
      log(namespace, pod, container.getName(), true);
    }
    log(namespace, pod, container.getName(), false);
  }

  private void log(String namespace, String pod, String container, boolean before) {
    try {
      var one = client.pods().inNamespace(namespace).withName(pod).inContainer(container);
      String log =
          before ? one.terminated().tailingLines(LINES).getLog() : one.tailingLines(LINES).getLog();
      log.lines().forEach(line -> text.append(before ? "#< " : "#  ").append(line).append('\n'));
    } catch (KubernetesClientException e) {
      text.append("# no log: ").append(e.getMessage()).append('\n');
    }
  }
}
