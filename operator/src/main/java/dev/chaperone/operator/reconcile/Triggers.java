package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.operator.distribution.ClusterView;
import dev.chaperone.operator.distribution.SidecarReports;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.inbound.SimpleInboundEventSource;
import java.util.Objects;

/**
 * Which connections and policies are looked at again when something else changes. One view serves
 * the whole replica, so the leader has no second set of informers for sessions, pods and reports.
 */
final class Triggers {
  private final ClusterView view;
  private volatile SimpleInboundEventSource<AgentConnection> connections;
  private volatile SimpleInboundEventSource<AccessPolicy> policies;

  Triggers(ClusterView view) {
    this.view = view;
    view.onSession(this::session);
    view.onPod((before, now) -> namespace(of(before, now)));
    view.onReport(
        (before, now) ->
            SidecarReports.read(of(before, now))
                .ifPresent(report -> namespace(report.namespace())));
    view.onConnection((before, now) -> namespace(of(before, now)));
  }

  private static <T> T of(T before, T now) {
    return now == null ? before : now;
  }

  /** Where the reconciler of connections hears of it. */
  EventSource<?, AgentConnection> connections() {
    connections = new SimpleInboundEventSource<>("cluster");
    return connections;
  }

  /** Where the reconciler of policies hears of it. */
  EventSource<?, AccessPolicy> policies() {
    policies = new SimpleInboundEventSource<>("cluster");
    return policies;
  }

  /** Nobody hears any more. */
  void clear() {
    connections = null;
    policies = null;
  }

  /** What a session does is not in a connection's status; that it is there is. */
  private void session(AgentSession before, AgentSession now) {
    if (before == null || now == null || phase(before) != phase(now)) {
      AgentSession session = of(before, now);
      propagate(connections, session.getMetadata().getNamespace(), session.getSpec().connection());
    }
  }

  private static SessionPhase phase(AgentSession session) {
    return session.getStatus() == null ? null : session.getStatus().phase();
  }

  private void namespace(HasMetadata resource) {
    namespace(resource.getMetadata().getNamespace());
  }

  private void namespace(String namespace) {
    if (connections != null) {
      view.connections(namespace)
          .forEach(one -> propagate(connections, namespace, one.getMetadata().getName()));
    }
    if (policies != null) {
      view.policies(namespace)
          .forEach(one -> propagate(policies, namespace, one.getMetadata().getName()));
    }
  }

  private static void propagate(SimpleInboundEventSource<?> source, String namespace, String name) {
    if (Objects.nonNull(source) && source.isRunning()) {
      source.propagateEvent(new ResourceID(name, namespace));
    }
  }
}
