package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentConnectionStatus;
import dev.chaperone.crds.v1alpha1.AgentCounts;
import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.SessionCounts;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.operator.distribution.Conditions;
import dev.chaperone.operator.distribution.PodConnections;
import dev.chaperone.operator.distribution.SidecarReport;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The status of a connection, from all that is known of it. A pure function. */
final class ConnectionStatuses {
  private static final List<String> REPORTED =
      List.of("CredentialsResolved", "TargetReachable", "MasksResolved");

  private ConnectionStatuses() {}

  /**
   * Sums up.
   *
   * @param problems what is wrong with the connection by itself
   * @param reports of the sidecars of its namespace
   * @param pods those of its namespace that it selects
   * @param privileged whether these may read its credential themselves
   * @param sessions of its namespace
   */
  static AgentConnectionStatus of(
      AgentConnection connection,
      List<String> problems,
      List<SidecarReport> reports,
      List<Pod> pods,
      Optional<Condition> privileged,
      List<AgentSession> sessions,
      Instant now) {
    String name = connection.getMetadata().getName();
    Long generation = connection.getMetadata().getGeneration();
    List<SidecarReport> ours =
        reports.stream()
            .filter(
                report -> report.connections().stream().anyMatch(one -> one.name().equals(name)))
            .sorted(Comparator.comparing(SidecarReport::pod))
            .toList();
    List<Condition> found = new ArrayList<>();
    found.add(Rejections.accepted("AgentConnection", connection, problems, ours));
    for (String type : REPORTED) {
      reported(type, connection, ours).ifPresent(found::add);
    }
    privileged.ifPresent(found::add);
    boolean suspended = Boolean.TRUE.equals(connection.getSpec().suspended());
    found.add(
        Conditions.of(
            "Suspended",
            suspended ? ConditionStatus.TRUE : ConditionStatus.FALSE,
            suspended ? "SwitchedOff" : "InUse",
            suspended ? "spec.suspended closes and refuses every client" : "",
            generation));
    int injected =
        (int) pods.stream().filter(pod -> PodConnections.isServed(pod, connection)).count();
    int active =
        (int)
            sessions.stream()
                .filter(session -> session.getSpec().connection().equals(name))
                .filter(
                    session ->
                        session.getStatus() != null
                            && session.getStatus().phase() == SessionPhase.ACTIVE)
                .count();
    AgentConnectionStatus before = connection.getStatus();
    return new AgentConnectionStatus(
        Conditions.merge(before == null ? null : before.conditions(), found, now),
        new AgentCounts(injected, pods.size() - injected),
        new SessionCounts(active));
  }

  /** False where any sidecar says so, and then which; nothing where none says anything. */
  private static Optional<Condition> reported(
      String type, AgentConnection connection, List<SidecarReport> reports) {
    Long generation = connection.getMetadata().getGeneration();
    String name = connection.getMetadata().getName();
    if (type.equals("CredentialsResolved")) {
      Optional<Condition> missing =
          reports.stream()
              .flatMap(
                  report ->
                      Rejections.about(report, "AgentConnection", connection)
                          .filter(Rejections::isOfSecret)
                          .map(
                              problem ->
                                  Conditions.of(
                                      type,
                                      ConditionStatus.FALSE,
                                      "NotRead",
                                      "pod " + report.pod() + ": " + problem,
                                      generation)))
              .findFirst();
      if (missing.isPresent()) {
        return missing;
      }
    }
    return Stream.of(ConditionStatus.FALSE, ConditionStatus.UNKNOWN, ConditionStatus.TRUE)
        .flatMap(
            status ->
                reports.stream()
                    .flatMap(
                        report ->
                            Conditions.find(report.conditions().get(name), type)
                                .filter(one -> one.status() == status)
                                .map(one -> summary(one, report, generation))
                                .stream()))
        .findFirst();
  }

  private static Condition summary(Condition one, SidecarReport report, Long generation) {
    return Conditions.of(
        one.type(),
        one.status(),
        one.reason() == null ? "Reported" : one.reason(),
        one.status() == ConditionStatus.FALSE
            ? "pod " + report.pod() + ": " + (one.message() == null ? "" : one.message())
            : "",
        generation);
  }
}
