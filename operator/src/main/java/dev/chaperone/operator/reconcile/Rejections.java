package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.operator.distribution.Conditions;
import dev.chaperone.operator.distribution.SidecarReport;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Whether a resource is accepted: by what it says, and by the sidecars that have to live with it.
 */
final class Rejections {
  private static final List<String> SECRET_PATHS =
      List.of("spec.credentials.secretRef", "spec.target.tls.");

  private Rejections() {}

  /**
   * The condition Accepted.
   *
   * @param problems what is wrong with the resource by itself
   * @param reports of the sidecars that it concerns
   */
  static Condition accepted(
      String kind, HasMetadata resource, List<String> problems, List<SidecarReport> reports) {
    Long generation = resource.getMetadata().getGeneration();
    if (!problems.isEmpty()) {
      return Conditions.of(
          "Accepted", ConditionStatus.FALSE, "Invalid", String.join("; ", problems), generation);
    }
    Optional<String> rejected =
        reports.stream()
            .flatMap(
                report ->
                    about(report, kind, resource)
                        .map(problem -> "pod " + report.pod() + ": " + problem))
            .findFirst();
    return rejected
        .map(
            why ->
                Conditions.of(
                    "Accepted", ConditionStatus.FALSE, "RejectedBySidecar", why, generation))
        .orElseGet(
            () -> Conditions.of("Accepted", ConditionStatus.TRUE, "Accepted", "", generation));
  }

  /** What a sidecar says against a resource; what names none is said against its connections. */
  static Stream<String> about(SidecarReport report, String kind, HasMetadata resource) {
    String prefix =
        kind
            + " "
            + resource.getMetadata().getNamespace()
            + "/"
            + resource.getMetadata().getName()
            + ": ";
    return report.problems().stream()
        .filter(
            problem ->
                problem.startsWith(prefix)
                    || (kind.equals("AgentConnection") && namesNothing(problem)))
        .map(problem -> problem.startsWith(prefix) ? problem.substring(prefix.length()) : problem);
  }

  private static boolean namesNothing(String problem) {
    return !problem.startsWith("AgentConnection ") && !problem.startsWith("AccessPolicy ");
  }

  /** Whether it is about what a Secret holds, or that it is not there. */
  static boolean isOfSecret(String problem) {
    return SECRET_PATHS.stream().anyMatch(problem::startsWith) && problem.contains("Secret");
  }
}
