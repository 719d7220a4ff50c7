package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.injection.AgentVariables.Variable;
import dev.chaperone.operator.injection.GatewayTraces.Stranger;
import dev.chaperone.operator.injection.RawPod.Container;
import dev.chaperone.operator.injection.RawPod.Kind;
import dev.chaperone.operator.injection.RawPod.MalformedPodException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Looks at a pod when nothing can change it any more. For a new pod the gateway is made once more
 * and compared: it does not matter whether the mutating webhook was called, or who changed what it
 * made. For a stored one it is what the update changes that counts, because connections and
 * settings may have changed since, and refusing would keep others from doing their work with the
 * pod.
 */
public final class FinalPodCheck {
  private FinalPodCheck() {}

  /**
   * Checks a new pod.
   *
   * @param connections of its namespace; others have no influence
   * @return why it is refused; empty where it is not
   */
  public static List<Refusal> created(
      JsonNode pod,
      String namespace,
      List<AgentConnection> connections,
      InjectionSettings settings) {
    RawPod raw;
    try {
      raw = RawPod.of(pod);
    } catch (MalformedPodException e) {
      return List.of(e.refusal());
    }
    GatewayPlan plan = GatewayPlan.of(raw, namespace, connections, settings);
    if (!plan.isSelected()) {
      return PodRisks.ofAnyPod(raw, plan.guarded(), pointer -> false);
    }
    if (!plan.problems().isEmpty()) {
      return plan.problems();
    }
    GatewayTraces traces = GatewayTraces.of(raw, plan.sidecar());
    List<Refusal> refusals = new ArrayList<>();
    checkGateway(raw, plan, traces, refusals);
    for (Container container : raw.containers()) {
      if (!traces.isGateway(container.place().pointer())) {
        checkPrepared(container, plan.variables(), refusals);
      }
    }
    Place label = raw.metadata().field("labels").field(GatewayNames.LABEL);
    if (!label.text().equals("injected")) {
      refusals.add(differs(label));
    }
    refusals.addAll(PodRisks.ofAnyPod(raw, plan.guarded(), traces::isGateway));
    refusals.addAll(PodRisks.ofAgent(raw, settings.uid(), traces::isGateway));
    refusals.addAll(NameResolution.of(raw, namespace, plan.connections(), settings));
    return refusals;
  }

  private static void checkGateway(
      RawPod pod, GatewayPlan plan, GatewayTraces traces, List<Refusal> refusals) {
    boolean strange =
        traces.strangers().stream().anyMatch(s -> s.reason() == RefusalReason.RESERVED_CONTAINER);
    Place first = pod.spec().field("initContainers").item(0);
    if (traces.container().isEmpty() && !strange) {
      refusals.add(new Refusal(RefusalReason.GATEWAY_MISSING, first.path(), "is not the gateway"));
    } else if (traces.container().isPresent()
        && !traces.container().get().place().pointer().equals(first.pointer())) {
      refusals.add(
          new Refusal(
              RefusalReason.GATEWAY_DIFFERS,
              traces.container().get().place().path(),
              "is not the first of the init containers"));
    }
    for (Stranger stranger : traces.strangers()) {
      stranger.differences().forEach(place -> refusals.add(differs(place)));
    }
    for (ObjectNode volume : plan.sidecar().volumes()) {
      String name = volume.path("name").asText();
      if (!traces.volumes().contains(name)
          && traces.strangers().stream()
              .noneMatch(s -> s.place().field("name").text().equals(name))) {
        refusals.add(
            new Refusal(
                RefusalReason.GATEWAY_MISSING, "spec.volumes", "there is no volume " + name));
      }
    }
  }

  private static Refusal differs(Place place) {
    return new Refusal(
        RefusalReason.GATEWAY_DIFFERS, place.path(), "differs from what Chaperone puts in");
  }

  private static void checkPrepared(
      Container container, List<Variable> variables, List<Refusal> refusals) {
    if (!PodPatch.isDropped(container)) {
      refusals.add(
          new Refusal(
              RefusalReason.CONTAINER_NOT_PREPARED,
              container.place().field("securityContext").path(),
              "does not drop " + PodPatch.DROPPED));
    }
    if (container.kind() == Kind.EPHEMERAL) {
      return;
    }
    Place env = container.place().field("env");
    for (Variable variable : variables) {
      List<Place> named =
          env.items().stream()
              .filter(own -> own.field("name").text().equals(variable.name()))
              .toList();
      if (named.isEmpty()) {
        refusals.add(
            new Refusal(
                RefusalReason.CONTAINER_NOT_PREPARED,
                env.path(),
                "has no variable " + variable.name()));
      }
      for (Place own : named) {
        Difference.exactlyBetween(PodPatch.json(variable), own)
            .forEach(place -> refusals.add(differs(place)));
      }
    }
  }

  /**
   * Checks an update of a pod, of its ephemeral containers or of its resources.
   *
   * @param before as it is stored
   * @param after as it would be stored
   * @param connections of its namespace; others have no influence
   * @return why it is refused; empty where it is not
   */
  public static List<Refusal> updated(
      JsonNode before,
      JsonNode after,
      String namespace,
      List<AgentConnection> connections,
      InjectionSettings settings) {
    RawPod old;
    RawPod raw;
    try {
      old = RawPod.of(before);
      raw = RawPod.of(after);
    } catch (MalformedPodException e) {
      return List.of(e.refusal());
    }
    Set<String> guarded = GuardedSecrets.of(GatewayPlan.ofNamespace(namespace, connections));
    Optional<Container> gateway = old.gateway();
    Set<String> own = new HashSet<>();
    List<Refusal> refusals = new ArrayList<>();
    if (gateway.isPresent()) {
      checkUnchanged(old, raw, gateway.get(), own, refusals);
    }
    List<Refusal> risks = PodRisks.ofAnyPod(raw, guarded, own::contains);
    risks.removeAll(PodRisks.ofAnyPod(old, guarded, own::contains));
    refusals.addAll(risks);
    if (gateway.isPresent()) {
      long user =
          gateway
              .get()
              .place()
              .field("securityContext")
              .field("runAsUser")
              .value()
              .asLong(settings.uid());
      List<Refusal> ofAgent = PodRisks.ofAgent(raw, user, own::contains);
      ofAgent.removeAll(PodRisks.ofAgent(old, user, own::contains));
      refusals.addAll(ofAgent);
      List<SidecarConnection> selecting =
          GatewayPlan.of(old, namespace, connections, settings).connections();
      List<Refusal> ofNames = NameResolution.of(raw, namespace, selecting, settings);
      ofNames.removeAll(NameResolution.of(old, namespace, selecting, settings));
      refusals.addAll(ofNames);
      for (Container added : PodPatch.addedEphemeral(old, raw)) {
        checkPrepared(added, List.of(), refusals);
      }
    }
    return refusals;
  }

  /** Collects the places of the gateway, which stay where they are, and what was changed there. */
  private static void checkUnchanged(
      RawPod old, RawPod raw, Container gateway, Set<String> own, List<Refusal> refusals) {
    List<Place> kept = new ArrayList<>();
    kept.add(gateway.place());
    old.volumes().stream()
        .filter(volume -> GatewayNames.VOLUMES.contains(volume.field("name").text()))
        .forEach(kept::add);
    Place label = old.metadata().field("labels").field(GatewayNames.LABEL);
    if (label.isPresent()) {
      kept.add(label);
    }
    for (Place place : kept) {
      own.add(place.pointer());
      Place now = new Place(raw.root().value().at(place.pointer()), place.path(), place.pointer());
      for (Place changed : Difference.exactlyBetween(place.value(), now)) {
        refusals.add(
            new Refusal(RefusalReason.GATEWAY_CHANGED, changed.path(), "is the gateway's"));
      }
    }
  }
}
