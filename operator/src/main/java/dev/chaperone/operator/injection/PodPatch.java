package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.chaperone.operator.injection.AgentVariables.Variable;
import dev.chaperone.operator.injection.RawPod.Container;
import dev.chaperone.operator.injection.RawPod.Kind;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The JSON Patch from a pod to what it should be. It touches nothing but what it adds, so whatever
 * else a pod has survives, and it adds only what is missing: for a pod that has it all it is empty.
 */
final class PodPatch {
  /** With it a container could read and forge the traffic of the network that the pod shares. */
  static final String DROPPED = "NET_RAW";

  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final ArrayNode operations = JSON.arrayNode();

  private PodPatch() {}

  /** Puts in what is missing. */
  static ArrayNode of(RawPod pod, GatewayPlan plan, GatewayTraces traces) {
    PodPatch patch = new PodPatch();
    // Containers by their numbers, before the gateway's moves those of the init containers.
    for (Container container : pod.containers()) {
      if (!traces.isGateway(container.place().pointer())) {
        patch.dropCapability(container);
        if (container.kind() != Kind.EPHEMERAL) {
          patch.addVariables(container, plan.variables());
        }
      }
    }
    patch.addAll(
        pod.spec().field("volumes"),
        plan.sidecar().volumes().stream()
            .filter(volume -> !traces.volumes().contains(volume.path("name").asText()))
            .map(JsonNode.class::cast)
            .toList());
    patch.putFirst(pod.spec().field("initContainers"), plan.sidecar(), traces);
    patch.label(pod, "injected");
    return patch.operations;
  }

  /** Takes away a label that says what is not so. */
  static ArrayNode withoutLabel(RawPod pod) {
    PodPatch patch = new PodPatch();
    Place label = pod.metadata().field("labels").field(GatewayNames.LABEL);
    if (!label.value().isMissingNode()) {
      patch.operation("remove", label);
    }
    return patch.operations;
  }

  /** Prepares ephemeral containers that were not there before. */
  static ArrayNode ofEphemeralContainers(RawPod before, RawPod after) {
    PodPatch patch = new PodPatch();
    for (Container container : addedEphemeral(before, after)) {
      patch.dropCapability(container);
    }
    return patch.operations;
  }

  /** The ephemeral containers that an update adds. */
  static List<Container> addedEphemeral(RawPod before, RawPod after) {
    Set<String> known =
        before.containers().stream()
            .filter(c -> c.kind() == Kind.EPHEMERAL)
            .map(Container::name)
            .collect(Collectors.toSet());
    return after.containers().stream()
        .filter(c -> c.kind() == Kind.EPHEMERAL && !known.contains(c.name()))
        .toList();
  }

  /** Whether a container goes without the capability already. */
  static boolean isDropped(Container container) {
    // Only these words surely mean it to every container runtime.
    return drop(container).items().stream()
        .anyMatch(item -> item.text().equals(DROPPED) || item.text().equals("ALL"));
  }

  private static Place drop(Container container) {
    return container.place().field("securityContext").field("capabilities").field("drop");
  }

  private void dropCapability(Container container) {
    if (isDropped(container)) {
      return;
    }
    Place context = container.place().field("securityContext");
    Place capabilities = context.field("capabilities");
    ArrayNode drop = JSON.arrayNode().add(DROPPED);
    if (!context.isPresent()) {
      ObjectNode value = JSON.objectNode();
      value.putObject("capabilities").set("drop", drop);
      add(context, value);
    } else if (!capabilities.isPresent()) {
      add(capabilities, JSON.objectNode().set("drop", drop));
    } else {
      addAll(drop(container), List.of(TextNode.valueOf(DROPPED)));
    }
  }

  /** In front, so that the pod's own variables can refer to them. */
  private void addVariables(Container container, List<Variable> variables) {
    Place env = container.place().field("env");
    Set<String> present =
        env.items().stream().map(v -> v.field("name").text()).collect(Collectors.toSet());
    List<ObjectNode> missing =
        variables.stream()
            .filter(variable -> !present.contains(variable.name()))
            .map(PodPatch::json)
            .toList();
    if (missing.isEmpty()) {
      return;
    }
    if (!env.isPresent()) {
      add(env, JSON.arrayNode().addAll(missing));
      return;
    }
    for (int i = 0; i < missing.size(); i++) {
      add(env.item(i), missing.get(i));
    }
  }

  /** A variable as it stands in a pod. */
  static ObjectNode json(Variable variable) {
    return JSON.objectNode().put("name", variable.name()).put("value", variable.value());
  }

  /** Before all others, which then find it ready, and cannot take its ports. */
  private void putFirst(Place list, SidecarContainer sidecar, GatewayTraces traces) {
    Place first = list.item(0);
    if (traces.container().isPresent()) {
      Place present = traces.container().get().place();
      if (!present.pointer().equals(first.pointer())) {
        operation("move", first).put("from", present.pointer());
      }
    } else if (list.isPresent()) {
      add(first, sidecar.json());
    } else {
      add(list, JSON.arrayNode().add(sidecar.json()));
    }
  }

  private void label(RawPod pod, String value) {
    Place labels = pod.metadata().field("labels");
    Place label = labels.field(GatewayNames.LABEL);
    if (!labels.isPresent()) {
      add(labels, JSON.objectNode().put(GatewayNames.LABEL, value));
    } else if (!label.text().equals(value)) {
      add(label, TextNode.valueOf(value));
    }
  }

  private void addAll(Place list, List<JsonNode> items) {
    if (items.isEmpty()) {
      return;
    }
    if (!list.isPresent()) {
      add(list, JSON.arrayNode().addAll(items));
      return;
    }
    for (JsonNode item : items) {
      operation("add", new Place(item, "", list.pointer() + "/-")).set("value", item.deepCopy());
    }
  }

  private void add(Place place, JsonNode value) {
    operation("add", place).set("value", value.deepCopy());
  }

  private ObjectNode operation(String name, Place place) {
    return operations.addObject().put("op", name).put("path", place.pointer());
  }
}
