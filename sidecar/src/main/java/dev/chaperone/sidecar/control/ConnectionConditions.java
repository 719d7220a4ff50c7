package dev.chaperone.sidecar.control;

import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.sidecar.gateway.GuardedConnection;
import dev.chaperone.sidecar.gateway.TargetState;
import dev.chaperone.sidecar.journal.Availability;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a sidecar knows of a connection, as conditions. When one last changed is for the operator to
 * say, who sees those of all sidecars.
 */
final class ConnectionConditions {
  private ConnectionConditions() {}

  /**
   * Of one that is served.
   *
   * @param problem why its Secrets cannot be used now; it was served before, and is suspended
   */
  static List<Condition> of(GuardedConnection connection, Optional<String> problem) {
    List<Condition> conditions = new ArrayList<>();
    // What is served was read with its Secrets.
    conditions.add(
        problem
            .map(ConnectionConditions::unresolved)
            .orElseGet(() -> condition("CredentialsResolved", ConditionStatus.TRUE, "Read", "")));
    conditions.add(targetReachable(connection.targetState()));
    Availability recording = connection.recorder().availability();
    conditions.add(
        recording == Availability.AVAILABLE
            ? condition("Recording", ConditionStatus.TRUE, "Available", "")
            : condition(
                "Recording", ConditionStatus.FALSE, recording.reason(), recording.message()));
    if (!connection.ruling().masks().columns().isEmpty()) {
      conditions.add(masksResolved(connection.unresolvedMasks()));
    }
    return conditions;
  }

  /** Of one whose Secrets cannot be used. */
  static Condition unresolved(String problem) {
    return condition("CredentialsResolved", ConditionStatus.FALSE, "SecretUnusable", problem);
  }

  private static Condition targetReachable(TargetState target) {
    if (!target.known()) {
      return condition("TargetReachable", ConditionStatus.UNKNOWN, "NotTried", "");
    }
    return target.reachable()
        ? condition("TargetReachable", ConditionStatus.TRUE, "LoggedIn", "")
        : condition("TargetReachable", ConditionStatus.FALSE, "LogInFailed", target.reason());
  }

  private static Condition masksResolved(Optional<List<String>> unresolved) {
    if (unresolved.isEmpty()) {
      return condition("MasksResolved", ConditionStatus.UNKNOWN, "NotLookedUp", "");
    }
    return unresolved.get().isEmpty()
        ? condition("MasksResolved", ConditionStatus.TRUE, "AllFound", "")
        : condition(
            "MasksResolved",
            ConditionStatus.FALSE,
            "NotFound",
            String.join("; ", unresolved.get()));
  }

  private static Condition condition(
      String type, ConditionStatus status, String reason, String message) {
    return new Condition(type, status, reason, message, null, null);
  }
}
