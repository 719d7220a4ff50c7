package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.operator.distribution.ClusterView;
import dev.chaperone.operator.distribution.PodConnections;
import dev.chaperone.operator.distribution.SidecarReport;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.inbound.SimpleInboundEventSource;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Which connections and policies are looked at again when something else changes: those alone that
 * it can mean something to, because a namespace may have very many. One view serves the whole
 * replica, so the leader has no second set of informers for sessions, pods and reports.
 */
final class Triggers {
  private final ClusterView view;
  private volatile SimpleInboundEventSource<AgentConnection> connections;
  private volatile SimpleInboundEventSource<AccessPolicy> policies;

  Triggers(ClusterView view) {
    this.view = view;
    view.onSession(this::session);
    view.onPod(this::pod);
    view.onReport(this::report);
    view.onConnection(this::connection);
    view.onPolicy(this::policy);
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

  /** A pod counts for the connections that mean it, as it was or as it is. */
  private void pod(Pod before, Pod now) {
    if (before != null && now != null && standing(before).equals(standing(now))) {
      return;
    }
    if (connections != null) {
      String namespace = of(before, now).getMetadata().getNamespace();
      view.connections(namespace).stream()
          .filter(one -> isSelected(before, one) || isSelected(now, one))
          .forEach(one -> propagate(connections, namespace, one.getMetadata().getName()));
    }
  }

  private static boolean isSelected(Pod pod, AgentConnection connection) {
    return pod != null && PodConnections.isSelected(pod, connection);
  }

  /** What of a pod can change whether it counts: its gateway never does. */
  private static List<Object> standing(Pod pod) {
    return Arrays.asList(
        pod.getMetadata().getUid(),
        pod.getMetadata().getLabels(),
        pod.getMetadata().getDeletionTimestamp(),
        pod.getStatus() == null ? null : pod.getStatus().getPhase());
  }

  /** A report is about the connections that it names, and the policies of those. */
  private void report(SidecarReport before, SidecarReport now) {
    Set<String> named = new HashSet<>();
    Stream.of(before, now)
        .filter(Objects::nonNull)
        .forEach(
            report -> {
              report.connections().forEach(one -> named.add(one.name()));
              named.addAll(report.conditions().keySet());
            });
    String namespace = of(before, now).namespace();
    named.forEach(name -> propagate(connections, namespace, name));
    policiesOf(namespace, named);
  }

  /** To policies it matters alone that a connection is there. */
  private void connection(AgentConnection before, AgentConnection now) {
    HasMetadata connection = of(before, now);
    String namespace = connection.getMetadata().getNamespace();
    String name = connection.getMetadata().getName();
    if (before == null || now == null) {
      policiesOf(namespace, Set.of(name));
    }
    if (isSeenAnew(before, now)) {
      propagate(connections, namespace, name);
    }
  }

  private void policy(AccessPolicy before, AccessPolicy now) {
    if (isSeenAnew(before, now)) {
      propagate(policies, now.getMetadata().getNamespace(), now.getMetadata().getName());
    }
  }

  /**
   * Reconcilers have an informer of their own, and may have looked at a resource before it was seen
   * here: what concerned it meanwhile did not lead to it.
   */
  private static boolean isSeenAnew(HasMetadata before, HasMetadata now) {
    return now != null
        && (before == null
            || !Objects.equals(
                before.getMetadata().getGeneration(), now.getMetadata().getGeneration()));
  }

  private void policiesOf(String namespace, Set<String> named) {
    if (policies != null) {
      view.policies(namespace).stream()
          .filter(one -> one.getSpec().connections().stream().anyMatch(named::contains))
          .forEach(one -> propagate(policies, namespace, one.getMetadata().getName()));
    }
  }

  private static void propagate(SimpleInboundEventSource<?> source, String namespace, String name) {
    if (Objects.nonNull(source) && source.isRunning()) {
      source.propagateEvent(new ResourceID(name, namespace));
    }
  }
}
