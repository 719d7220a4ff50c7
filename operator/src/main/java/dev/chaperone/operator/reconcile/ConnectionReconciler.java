package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentConnectionStatus;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.operator.distribution.ApiErrors;
import dev.chaperone.operator.distribution.ClusterView;
import dev.chaperone.operator.distribution.PodConnections;
import dev.chaperone.operator.distribution.StatusWriter;
import io.fabric8.kubernetes.api.model.Pod;
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
import java.util.function.BooleanSupplier;

/** Keeps the status of connections. */
@RateLimited(maxReconciliations = 2, within = 1)
@ControllerConfiguration(name = "connections", fieldManager = "chaperone-operator")
final class ConnectionReconciler implements Reconciler<AgentConnection> {
  /** Pods without a gateway are watched by nobody; they are counted again this often. */
  private static final Duration COUNT_AGAIN = Duration.ofMinutes(1);

  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

  private final Acceptances acceptances = new Acceptances();
  private final AgentPods pods;
  private final StatusWriter statuses;
  private final ClusterView view;
  private final Triggers triggers;
  private final ConditionEvents events;
  private final AgentPrivileges privileges;
  private final Clock clock;
  private final BooleanSupplier leads;

  /**
   * @param writer waits for no answer when another may lead
   */
  ConnectionReconciler(
      AgentPods pods,
      KubernetesClient writer,
      ClusterView view,
      Triggers triggers,
      ConditionEvents events,
      AgentPrivileges privileges,
      Clock clock,
      BooleanSupplier leads) {
    this.pods = pods;
    this.statuses = new StatusWriter(writer);
    this.view = view;
    this.triggers = triggers;
    this.events = events;
    this.privileges = privileges;
    this.clock = clock;
    this.leads = leads;
  }

  @Override
  public List<EventSource<?, AgentConnection>> prepareEventSources(
      EventSourceContext<AgentConnection> context) {
    return List.of(triggers.connections());
  }

  @Override
  public UpdateControl<AgentConnection> reconcile(
      AgentConnection connection, Context<AgentConnection> context) {
    String namespace = connection.getMetadata().getNamespace();
    List<Pod> agents =
        pods.of(namespace).stream()
            .filter(pod -> PodConnections.isSelected(pod, connection))
            .toList();
    AgentConnectionStatus status =
        ConnectionStatuses.of(
            connection,
            acceptances.problems(connection),
            view.reportsOf(namespace),
            agents,
            privileges.condition(connection, agents),
            view.sessionsOf(namespace, connection.getMetadata().getName()),
            Instant.now(clock));
    if (!leads.getAsBoolean()) {
      return UpdateControl.noUpdate();
    }
    if (status.equals(connection.getStatus())) {
      return UpdateControl.<AgentConnection>noUpdate().rescheduleAfter(COUNT_AGAIN);
    }
    if (!written(connection, status)) {
      return UpdateControl.<AgentConnection>noUpdate().rescheduleAfter(LOOK_AGAIN);
    }
    List<Condition> before =
        connection.getStatus() == null ? null : connection.getStatus().conditions();
    events.accepted(connection, before, status.conditions());
    events.privileged(connection, before, status.conditions());
    return UpdateControl.<AgentConnection>noUpdate().rescheduleAfter(COUNT_AGAIN);
  }

  /** False where it was made from an old look; a newer one is on its way. */
  private boolean written(AgentConnection connection, AgentConnectionStatus status) {
    try {
      statuses.write(AgentConnection::new, connection, status);
      return true;
    } catch (KubernetesClientException e) {
      if (ApiErrors.isConflict(e)) {
        return false;
      }
      throw e;
    }
  }
}
