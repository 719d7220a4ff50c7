package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.operator.distribution.Conditions;
import dev.chaperone.operator.distribution.EventWriter;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.List;
import java.util.Optional;

/** Tells people when a condition begins to be bad, is bad for another reason, or is good again. */
final class ConditionEvents {
  private final EventWriter events;

  ConditionEvents(EventWriter events) {
    this.events = events;
  }

  /** A resource that is not accepted, or is again. */
  void accepted(HasMetadata resource, List<Condition> before, List<Condition> now) {
    write(resource, "Accepted", ConditionStatus.FALSE, "accepted", before, now);
  }

  /** A connection whose agents may read the credential themselves, or cannot any more. */
  void privileged(HasMetadata resource, List<Condition> before, List<Condition> now) {
    write(
        resource,
        AgentPrivileges.TYPE,
        ConditionStatus.TRUE,
        "no agent may read the credential any more",
        before,
        now);
  }

  private void write(
      HasMetadata resource,
      String type,
      ConditionStatus bad,
      String good,
      List<Condition> before,
      List<Condition> now) {
    Optional<Condition> was = Conditions.find(before, type);
    Optional<Condition> found = Conditions.find(now, type);
    if (found.isEmpty()) {
      return;
    }
    Condition is = found.get();
    boolean isBad = is.status() == bad;
    boolean wasBad = was.isPresent() && was.get().status() == bad;
    boolean same = isBad == wasBad && (!isBad || is.message().equals(was.orElseThrow().message()));
    if (!same) {
      events.write(
          resource,
          isBad ? EventWriter.Kind.WARNING : EventWriter.Kind.NORMAL,
          is.reason(),
          isBad ? is.message() : good);
    }
  }
}
