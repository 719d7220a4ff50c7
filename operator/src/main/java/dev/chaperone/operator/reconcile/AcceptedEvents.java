package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.operator.distribution.Conditions;
import dev.chaperone.operator.distribution.EventWriter;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.List;
import java.util.Optional;

/** Tells people when a resource is not accepted, or is again. */
final class AcceptedEvents {
  private AcceptedEvents() {}

  /** Writes an event where the condition Accepted is another one than before. */
  static void write(
      EventWriter events, HasMetadata resource, List<Condition> before, List<Condition> now) {
    Optional<Condition> was = Conditions.find(before, "Accepted");
    Condition is = Conditions.find(now, "Accepted").orElseThrow();
    boolean refused = is.status() == ConditionStatus.FALSE;
    boolean same =
        was.isPresent()
            && was.get().status() == is.status()
            && (!refused || is.message().equals(was.get().message()));
    if (same || (was.isEmpty() && !refused)) {
      return;
    }
    events.write(
        resource,
        refused ? EventWriter.Kind.WARNING : EventWriter.Kind.NORMAL,
        is.reason(),
        refused ? is.message() : "accepted");
  }
}
