package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.injection.AgentVariables.Variable;
import dev.chaperone.operator.injection.GatewayTraces.Stranger;
import dev.chaperone.operator.injection.RawPod.Container;
import dev.chaperone.operator.injection.RawPod.Kind;
import dev.chaperone.operator.injection.RawPod.MalformedPodException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is done with a new pod. */
public sealed interface InjectionDecision {

  /** The value of the label {@link GatewayNames#LABEL} on the pod; empty for a pod without it. */
  Optional<String> label();

  /** The reason of the event that tells of it, in UpperCamelCase. */
  String eventReason();

  /**
   * It gets a gateway, or what it lacks of one.
   *
   * @param connections the names of the connections it is for
   * @param patch a JSON Patch (RFC 6902)
   * @param warnings for who made the pod
   */
  record Inject(List<String> connections, ArrayNode patch, List<String> warnings)
      implements InjectionDecision {
    public Inject {
      connections = List.copyOf(connections);
      patch = patch.deepCopy();
      warnings = List.copyOf(warnings);
    }

    @Override
    public ArrayNode patch() {
      return patch.deepCopy();
    }

    @Override
    public Optional<String> label() {
      return Optional.of("injected");
    }

    @Override
    public String eventReason() {
      return "GatewayInjected";
    }
  }

  /**
   * It has all of it: another webhook changed the pod, and this one was asked again.
   *
   * @param connections the names of the connections it is for
   */
  record AlreadyInjected(List<String> connections) implements InjectionDecision {
    public AlreadyInjected {
      connections = List.copyOf(connections);
    }

    @Override
    public Optional<String> label() {
      return Optional.of("injected");
    }

    @Override
    public String eventReason() {
      return "GatewayPresent";
    }
  }

  /**
   * No connection selects it.
   *
   * @param patch takes away a label that says otherwise; mostly empty
   */
  record NotSelected(ArrayNode patch) implements InjectionDecision {
    public NotSelected {
      patch = patch.deepCopy();
    }

    @Override
    public ArrayNode patch() {
      return patch.deepCopy();
    }

    @Override
    public Optional<String> label() {
      return Optional.empty();
    }

    @Override
    public String eventReason() {
      return "NotSelected";
    }
  }

  /**
   * It may not be.
   *
   * @param refusals why; at least one
   */
  record Refused(List<Refusal> refusals) implements InjectionDecision {
    public Refused {
      refusals = List.copyOf(refusals);
    }

    @Override
    public Optional<String> label() {
      return Optional.empty();
    }

    @Override
    public String eventReason() {
      return refusals.get(0).reason().eventReason();
    }
  }

  /**
   * Decides.
   *
   * @param pod as the API server sent it
   * @param namespace of the pod, as the API server says it beside the pod
   * @param connections of that namespace; others have no influence
   */
  static InjectionDecision of(
      JsonNode pod,
      String namespace,
      List<AgentConnection> connections,
      InjectionSettings settings) {
    RawPod raw;
    try {
      raw = RawPod.of(pod);
    } catch (MalformedPodException e) {
      return new Refused(List.of(e.refusal()));
    }
    GatewayPlan plan = GatewayPlan.of(raw, namespace, connections, settings);
    if (!plan.isSelected()) {
      List<Refusal> risks = PodRisks.ofAnyPod(raw, plan.guarded(), pointer -> false);
      return risks.isEmpty() ? new NotSelected(PodPatch.withoutLabel(raw)) : new Refused(risks);
    }
    GatewayTraces traces = GatewayTraces.of(raw, plan.sidecar());
    List<Refusal> refusals = new ArrayList<>(plan.problems());
    traces.strangers().forEach(stranger -> refusals.add(reserved(stranger)));
    refusals.addAll(PodRisks.ofAnyPod(raw, plan.guarded(), traces::isGateway));
    refusals.addAll(PodRisks.ofAgent(raw, settings.uid(), traces::isGateway));
    refusals.addAll(NameResolution.of(raw, namespace, plan.connections(), settings));
    refusals.addAll(takenVariables(raw, plan.variables(), traces));
    if (!refusals.isEmpty()) {
      return new Refused(refusals);
    }
    ArrayNode patch = PodPatch.of(raw, plan, traces);
    return patch.isEmpty()
        ? new AlreadyInjected(plan.selected())
        : new Inject(plan.selected(), patch, warnings(raw, plan.variables()));
  }

  private static Refusal reserved(Stranger stranger) {
    String name = stranger.place().field("name").text();
    return new Refusal(
        stranger.reason(),
        stranger.place().path(),
        "the name "
            + name
            + " belongs to the gateway, and this is not it: "
            + stranger.differences().get(0).path()
            + " differs");
  }

  /** Variables that a container sets otherwise. */
  private static List<Refusal> takenVariables(
      RawPod pod, List<Variable> variables, GatewayTraces traces) {
    List<Refusal> taken = new ArrayList<>();
    for (Container container : pod.containers()) {
      if (container.kind() == Kind.EPHEMERAL || traces.isGateway(container.place().pointer())) {
        continue;
      }
      for (Place own : container.place().field("env").items()) {
        for (Variable variable : variables) {
          if (own.field("name").text().equals(variable.name())
              && !Difference.exactlyBetween(PodPatch.json(variable), own).isEmpty()) {
            taken.add(
                new Refusal(
                    RefusalReason.VARIABLE_TAKEN,
                    own.path(),
                    variable.name()
                        + " is what AgentConnection "
                        + variable.connection()
                        + " sets"));
          }
        }
      }
    }
    return taken;
  }

  private static List<String> warnings(RawPod pod, List<Variable> variables) {
    if (variables.isEmpty()) {
      return List.of();
    }
    return pod.containers().stream()
        .filter(container -> !container.name().equals(GatewayNames.CONTAINER))
        .map(container -> container.place().field("envFrom"))
        .filter(from -> !from.items().isEmpty())
        .map(
            from ->
                from.path()
                    + " is not looked into: "
                    + variables.get(0).name()
                    + " and the other variables of the gateway replace those it has of these names")
        .toList();
  }
}
