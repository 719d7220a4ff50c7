package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AccessPolicyStatus;
import dev.chaperone.operator.distribution.ApiErrors;
import dev.chaperone.operator.distribution.ClusterView;
import dev.chaperone.operator.distribution.StatusWriter;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.rate.RateLimited;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/** Keeps the status of policies. */
@RateLimited(maxReconciliations = 2, within = 1)
@ControllerConfiguration(name = "policies", fieldManager = "chaperone-operator")
final class PolicyReconciler implements Reconciler<AccessPolicy> {
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

  private final Acceptances acceptances = new Acceptances();
  private final StatusWriter statuses;
  private final ClusterView view;
  private final Triggers triggers;
  private final ConditionEvents events;
  private final Clock clock;
  private final BooleanSupplier leads;

  /**
   * @param writer waits for no answer when another may lead
   */
  PolicyReconciler(
      KubernetesClient writer,
      ClusterView view,
      Triggers triggers,
      ConditionEvents events,
      Clock clock,
      BooleanSupplier leads) {
    this.statuses = new StatusWriter(writer);
    this.view = view;
    this.triggers = triggers;
    this.events = events;
    this.clock = clock;
    this.leads = leads;
  }

  @Override
  public List<EventSource<?, AccessPolicy>> prepareEventSources(
      EventSourceContext<AccessPolicy> context) {
    return List.of(triggers.policies());
  }

  @Override
  public UpdateControl<AccessPolicy> reconcile(AccessPolicy policy, Context<AccessPolicy> context) {
    String namespace = policy.getMetadata().getNamespace();
    Set<String> connections =
        view.connections(namespace).stream()
            .map(connection -> connection.getMetadata().getName())
            .collect(Collectors.toSet());
    AccessPolicyStatus status =
        PolicyStatuses.of(
            policy,
            acceptances.problems(policy),
            connections,
            view.reportsOf(namespace),
            Instant.now(clock));
    if (!leads.getAsBoolean() || status.equals(policy.getStatus())) {
      return UpdateControl.noUpdate();
    }
    if (!written(policy, status)) {
      return UpdateControl.<AccessPolicy>noUpdate().rescheduleAfter(LOOK_AGAIN);
    }
    events.accepted(
        policy,
        policy.getStatus() == null ? null : policy.getStatus().conditions(),
        status.conditions());
    return UpdateControl.noUpdate();
  }

  /** False where it was made from an old look; a newer one is on its way. */
  private boolean written(AccessPolicy policy, AccessPolicyStatus status) {
    try {
      statuses.write(AccessPolicy::new, policy, status);
      return true;
    } catch (KubernetesClientException e) {
      if (ApiErrors.isConflict(e)) {
        return false;
      }
      throw e;
    }
  }
}
