package dev.chaperone.operator.distribution;

import dev.chaperone.control.channel.Document;
import dev.chaperone.control.resource.Metadata;
import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentSession;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What one sidecar is to enforce.
 *
 * @param pod its own pod
 * @param connections those that it serves, by name
 * @param policies those that name one of the connections, by name
 * @param revoked the names of connections that this pod may not use any more
 */
record SidecarConfiguration(
    Pod pod, List<AgentConnection> connections, List<AccessPolicy> policies, Set<String> revoked) {
  SidecarConfiguration {
    Objects.requireNonNull(pod, "pod");
    connections = List.copyOf(connections);
    policies = List.copyOf(policies);
    revoked = Set.copyOf(revoked);
  }

  /**
   * What the resources say of a pod.
   *
   * @param connections of the pod's namespace
   * @param policies of the pod's namespace
   * @param sessions of the pod, the first and those of a gateway that was started anew
   */
  static SidecarConfiguration of(
      Pod pod,
      List<AgentConnection> connections,
      List<AccessPolicy> policies,
      List<AgentSession> sessions) {
    List<AgentConnection> served = PodConnections.of(pod, connections);
    Set<String> names =
        served.stream()
            .map(connection -> connection.getMetadata().getName())
            .collect(Collectors.toSet());
    return new SidecarConfiguration(
        pod,
        served,
        policies.stream()
            .filter(policy -> policy.getSpec().connections().stream().anyMatch(names::contains))
            .sorted(Comparator.comparing(policy -> policy.getMetadata().getName()))
            .toList(),
        sessions.stream()
            .filter(session -> Boolean.TRUE.equals(session.getSpec().revoked()))
            .map(session -> session.getSpec().connection())
            .filter(names::contains)
            .collect(Collectors.toSet()));
  }

  /**
   * Says everything that matters: two with the same stamp are the same to a sidecar. A generation
   * grows with every change of a spec, and a uid is never used again.
   */
  Stamp stamp() {
    return new Stamp(
        labels(pod),
        connections.stream().map(ResourceGeneration::of).toList(),
        policies.stream().map(ResourceGeneration::of).toList(),
        revoked);
  }

  /**
   * What tells one configuration from another.
   *
   * @param labels of the pod
   * @param revoked the names of connections that the pod may not use any more
   */
  record Stamp(
      Map<String, String> labels,
      List<ResourceGeneration> connections,
      List<ResourceGeneration> policies,
      Set<String> revoked) {}

  private static Map<String, String> labels(HasMetadata resource) {
    return Objects.requireNonNullElse(resource.getMetadata().getLabels(), Map.of());
  }

  /** As it is sent. */
  List<Document> documents(SentDocuments sent) {
    List<Document> documents = new ArrayList<>();
    String account = pod.getSpec().getServiceAccountName();
    documents.add(
        Document.pod(
            new Metadata(
                pod.getMetadata().getNamespace(),
                pod.getMetadata().getName(),
                pod.getMetadata().getUid(),
                ResourceGeneration.of(pod).generation(),
                labels(pod)),
            account == null ? "default" : account));
    connections.forEach(
        connection ->
            documents.add(
                sent.of(connection, revoked.contains(connection.getMetadata().getName()))));
    policies.forEach(policy -> documents.add(sent.of(policy)));
    return documents;
  }
}
