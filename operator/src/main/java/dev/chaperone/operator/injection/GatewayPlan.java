package dev.chaperone.operator.injection;

import dev.chaperone.control.translation.PodSelection;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;

/**
 * What a pod should have, by its labels, its namespace and the settings alone.
 *
 * @param selected the names of the connections that select it, in order; none for a pod that is no
 *     agent
 * @param connections those of them that can be served
 * @param sidecar the gateway; only of use where there are no problems
 * @param variables for the agent's containers
 * @param guarded the Secrets of the namespace that are for gateways only
 * @param problems why no gateway can be put in, whatever else is in the pod
 */
record GatewayPlan(
    List<String> selected,
    List<SidecarConnection> connections,
    SidecarContainer sidecar,
    List<AgentVariables.Variable> variables,
    SortedSet<String> guarded,
    List<Refusal> problems) {

  /** Plans for one pod; the order of the connections has no influence. */
  static GatewayPlan of(
      RawPod pod, String namespace, List<AgentConnection> connections, InjectionSettings settings) {
    List<AgentConnection> ofNamespace = ofNamespace(namespace, connections);
    List<AgentConnection> selecting = selecting(pod, namespace, connections);
    List<Refusal> problems = new ArrayList<>();
    List<SidecarConnection> served =
        selecting.stream()
            .map(c -> SidecarConnection.of(c, problems))
            .flatMap(Optional::stream)
            .toList();
    checkPorts(served, problems);
    List<AgentVariables.Variable> variables = AgentVariables.of(served, problems);
    return new GatewayPlan(
        selecting.stream().map(c -> c.getMetadata().getName()).toList(),
        served,
        SidecarContainer.of(settings, served),
        variables,
        GuardedSecrets.of(ofNamespace),
        List.copyOf(problems));
  }

  static List<AgentConnection> ofNamespace(String namespace, List<AgentConnection> connections) {
    return connections.stream()
        .filter(c -> namespace.equals(c.getMetadata().getNamespace()))
        .toList();
  }

  /** The connections that select a pod, by name. */
  static List<AgentConnection> selecting(
      RawPod pod, String namespace, List<AgentConnection> connections) {
    return ofNamespace(namespace, connections).stream()
        .filter(c -> selects(c, pod))
        .sorted(Comparator.comparing(c -> c.getMetadata().getName()))
        .toList();
  }

  private static boolean selects(AgentConnection connection, RawPod pod) {
    Map<String, String> labels = new HashMap<>(pod.labels());
    // Chaperone writes it: with it a pod would be selected before, and not after, or the reverse.
    labels.remove(GatewayNames.LABEL);
    return PodSelection.matches(connection.getSpec().agents().podSelector(), labels);
  }

  private static void checkPorts(List<SidecarConnection> connections, List<Refusal> problems) {
    Map<Integer, String> ports = new HashMap<>();
    for (SidecarConnection connection : connections) {
      String other = ports.putIfAbsent(connection.listenPort(), connection.name());
      if (other != null) {
        problems.add(
            new Refusal(
                RefusalReason.PORT_CONFLICT,
                SidecarConnection.path(connection.name(), "listen.port"),
                "port " + connection.listenPort() + " is also that of AgentConnection " + other));
      }
    }
  }

  boolean isSelected() {
    return !selected.isEmpty();
  }
}
