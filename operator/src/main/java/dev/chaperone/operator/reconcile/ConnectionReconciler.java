package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentConnectionStatus;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.operator.distribution.ClusterView;
import dev.chaperone.operator.distribution.PodConnections;
import dev.chaperone.operator.distribution.SidecarReport;
import dev.chaperone.operator.distribution.SidecarReports;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
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
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** Keeps the status of connections. */
@RateLimited(maxReconciliations = 2, within = 1)
@ControllerConfiguration(name = "connections", fieldManager = "chaperone-operator")
final class ConnectionReconciler implements Reconciler<AgentConnection> {
  /** Pods without a gateway are watched by nobody; they are counted again this often. */
  private static final Duration COUNT_AGAIN = Duration.ofMinutes(1);

  private final KubernetesClient client;
  private final ClusterView view;
  private final Triggers triggers;
  private final ConditionEvents events;
  private final AgentPrivileges privileges;
  private final Clock clock;
  private final BooleanSupplier leads;

  ConnectionReconciler(
      KubernetesClient client,
      ClusterView view,
      Triggers triggers,
      ConditionEvents events,
      AgentPrivileges privileges,
      Clock clock,
      BooleanSupplier leads) {
    this.client = client;
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
    List<Pod> pods = pods(connection);
    AgentConnectionStatus status =
        ConnectionStatuses.of(
            connection,
            Acceptance.problems(connection),
            reports(view, namespace),
            pods,
            privileges.condition(connection, pods),
            view.sessions(namespace),
            Instant.now(clock));
    if (!leads.getAsBoolean()) {
      return UpdateControl.noUpdate();
    }
    if (status.equals(connection.getStatus())) {
      return UpdateControl.<AgentConnection>noUpdate().rescheduleAfter(COUNT_AGAIN);
    }
    List<Condition> before =
        connection.getStatus() == null ? null : connection.getStatus().conditions();
    events.accepted(connection, before, status.conditions());
    events.privileged(connection, before, status.conditions());
    AgentConnection patch = new AgentConnection();
    patch.setMetadata(
        new ObjectMetaBuilder()
            .withNamespace(namespace)
            .withName(connection.getMetadata().getName())
            .build());
    patch.setStatus(status);
    return UpdateControl.patchStatus(patch).rescheduleAfter(COUNT_AGAIN);
  }

  static List<SidecarReport> reports(ClusterView view, String namespace) {
    return view.reports().stream()
        .map(SidecarReports::read)
        .flatMap(Optional::stream)
        .filter(report -> report.namespace().equals(namespace))
        .toList();
  }

  /** From the API server's cache: an old count is counted again. */
  private List<Pod> pods(AgentConnection connection) {
    return client
        .pods()
        .inNamespace(connection.getMetadata().getNamespace())
        .list(new ListOptionsBuilder().withResourceVersion("0").build())
        .getItems()
        .stream()
        .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
        .filter(ConnectionReconciler::isAlive)
        .filter(pod -> PodConnections.isSelected(pod, connection))
        .toList();
  }

  private static boolean isAlive(Pod pod) {
    String phase = pod.getStatus() == null ? null : pod.getStatus().getPhase();
    return !"Succeeded".equals(phase) && !"Failed".equals(phase);
  }
}
