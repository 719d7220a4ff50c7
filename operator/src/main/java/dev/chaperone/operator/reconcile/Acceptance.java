package dev.chaperone.operator.reconcile;

import dev.chaperone.control.channel.Document;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.Metadata;
import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.resource.ResourceDocuments;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.PodSelector;
import dev.chaperone.crds.v1alpha1.PodSelectorRequirement;
import dev.chaperone.operator.distribution.Conditions;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * What is wrong with a resource by itself, in the words of the gateway: it is read and translated
 * exactly as a sidecar would, for a pod that is as the resource wants it. Whether Secrets hold what
 * they should is for the sidecars to say: the operator does not read them.
 */
final class Acceptance {
  private static final Set<String> SECRETS =
      Set.of(
          "spec.credentials.secretRef",
          "spec.target.tls.caSecretRef",
          "spec.target.tls.clientCertificateSecretRef",
          "spec.listen.tls.secretRef");

  private Acceptance() {}

  /** The mistakes of a connection, each with its field. */
  static List<String> problems(AgentConnection connection) {
    return problems(
        connection.getMetadata().getNamespace(),
        labels(connection.getSpec().agents().podSelector()),
        Document.connection(metadata(connection), connection.getSpec()));
  }

  /** The mistakes of a policy, each with its field. */
  static List<String> problems(AccessPolicy policy) {
    return problems(
        policy.getMetadata().getNamespace(),
        Map.of(),
        Document.policy(metadata(policy), policy.getSpec()));
  }

  private static List<String> problems(
      String namespace, Map<String, String> labels, Document resource) {
    Document pod = Document.pod(new Metadata(namespace, "any", "any", 1, labels), "default");
    Map<String, byte[]> documents = new LinkedHashMap<>();
    documents.put("Pod", pod.json());
    documents.put(resource.toString(), resource.json());
    try {
      Configuration.received(
          ResourceDocuments.read(documents), (connection, name) -> Optional.empty(), 1);
      return List.of();
    } catch (InvalidConfigurationException e) {
      return e.problems().stream()
          .filter(problem -> !SECRETS.contains(problem.path()))
          .map(Acceptance::text)
          .toList();
    }
  }

  private static String text(Problem problem) {
    return problem.path().isEmpty() ? problem.message() : problem.path() + ": " + problem.message();
  }

  private static Metadata metadata(HasMetadata resource) {
    return new Metadata(
        resource.getMetadata().getNamespace(),
        resource.getMetadata().getName(),
        resource.getMetadata().getUid(),
        Objects.requireNonNullElse(resource.getMetadata().getGeneration(), 1L),
        Map.of());
  }

  /** Labels that a selector means; where it means none, there is no pod to serve either. */
  private static Map<String, String> labels(PodSelector selector) {
    Map<String, String> labels = new HashMap<>();
    if (selector.matchLabels() != null) {
      labels.putAll(selector.matchLabels());
    }
    for (PodSelectorRequirement term : Conditions.list(selector.matchExpressions())) {
      switch (term.operator()) {
        case IN -> labels.putIfAbsent(term.key(), term.values().get(0));
        case EXISTS -> labels.putIfAbsent(term.key(), "any");
        case NOT_IN, DOES_NOT_EXIST -> {}
      }
    }
    return labels;
  }
}
