package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AccessPolicyStatus;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.PolicyConnectionStatus;
import dev.chaperone.operator.distribution.Conditions;
import dev.chaperone.operator.distribution.SidecarReport;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** The status of a policy, from all that is known of it. A pure function. */
final class PolicyStatuses {
  private PolicyStatuses() {}

  /**
   * Sums up.
   *
   * @param problems what is wrong with the policy by itself
   * @param connections the names of those that its namespace has
   * @param reports of the sidecars of its namespace
   */
  static AccessPolicyStatus of(
      AccessPolicy policy,
      List<String> problems,
      Set<String> connections,
      List<SidecarReport> reports,
      Instant now) {
    Long generation = policy.getMetadata().getGeneration();
    List<String> named = policy.getSpec().connections().stream().distinct().toList();
    List<SidecarReport> concerned =
        reports.stream()
            .filter(
                report -> report.connections().stream().anyMatch(one -> named.contains(one.name())))
            .sorted(Comparator.comparing(SidecarReport::pod))
            .toList();
    List<Condition> found = new ArrayList<>();
    found.add(Rejections.accepted("AccessPolicy", policy, problems, concerned));
    List<String> missing = named.stream().filter(name -> !connections.contains(name)).toList();
    found.add(
        missing.isEmpty()
            ? Conditions.of("ConnectionsFound", ConditionStatus.TRUE, "AllFound", "", generation)
            : Conditions.of(
                "ConnectionsFound",
                ConditionStatus.FALSE,
                "NotFound",
                "there is no AgentConnection "
                    + String.join(", ", missing)
                    + " in this namespace; the policy holds for it once there is",
                generation));
    AccessPolicyStatus before = policy.getStatus();
    return new AccessPolicyStatus(
        Conditions.merge(before == null ? null : before.conditions(), found, now),
        named.stream()
            .map(
                name ->
                    connections.contains(name)
                        ? inForce(policy, name, concerned)
                        : new PolicyConnectionStatus(
                            name, false, "there is no such AgentConnection"))
            .toList());
  }

  private static PolicyConnectionStatus inForce(
      AccessPolicy policy, String connection, List<SidecarReport> reports) {
    long generation = Objects.requireNonNullElse(policy.getMetadata().getGeneration(), 1L);
    Optional<SidecarReport> behind =
        reports.stream()
            .filter(
                report ->
                    report.connections().stream().anyMatch(one -> one.name().equals(connection)))
            .filter(
                report ->
                    report.policiesInForce().stream()
                        .noneMatch(
                            one ->
                                one.uid().equals(policy.getMetadata().getUid())
                                    && one.generation() >= generation))
            .findFirst();
    return behind
        .map(
            report ->
                new PolicyConnectionStatus(
                    connection, false, "pod " + report.pod() + " does not enforce it yet"))
        .orElseGet(() -> new PolicyConnectionStatus(connection, true, null));
  }
}
