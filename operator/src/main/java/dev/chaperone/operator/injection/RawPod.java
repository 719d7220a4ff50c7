package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A pod as the API server sent it, of which only the outline is known to be right: lists are lists
 * of objects, names are text. At the time of mutation nothing else has been validated yet.
 */
final class RawPod {
  /** The lists of containers. */
  enum Kind {
    INIT("initContainers"),
    MAIN("containers"),
    EPHEMERAL("ephemeralContainers");

    private final String field;

    Kind(String field) {
      this.field = field;
    }

    String field() {
      return field;
    }
  }

  /** One container of any kind. */
  record Container(Kind kind, Place place) {
    String name() {
      return place.field("name").text();
    }
  }

  /** What is no pod. */
  static final class MalformedPodException extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient Refusal refusal;

    private MalformedPodException(Place place, String problem) {
      super(problem);
      this.refusal =
          new Refusal(
              RefusalReason.MALFORMED_POD,
              place.path().isEmpty() ? "the pod" : place.path(),
              problem);
    }

    Refusal refusal() {
      return refusal;
    }
  }

  private final Place root;
  private final List<Container> containers = new ArrayList<>();
  private final Map<String, String> labels = new LinkedHashMap<>();

  private RawPod(Place root) {
    this.root = root;
  }

  /**
   * Takes a pod.
   *
   * @throws MalformedPodException where the outline is not that of a pod
   */
  static RawPod of(JsonNode json) throws MalformedPodException {
    RawPod pod = new RawPod(Place.root(json));
    pod.read();
    return pod;
  }

  private void read() throws MalformedPodException {
    required(root);
    required(metadata());
    required(spec());
    optionalObject(metadata().field("labels"));
    for (Place label : metadata().field("labels").fields()) {
      if (!label.value().isTextual()) {
        throw new MalformedPodException(label, "is not text");
      }
    }
    for (Map.Entry<String, JsonNode> label : metadata().value().path("labels").properties()) {
      labels.put(label.getKey(), label.getValue().asText());
    }
    optionalObject(spec().field("securityContext"));
    named(spec().field("volumes"));
    for (Kind kind : Kind.values()) {
      Place list = spec().field(kind.field());
      named(list);
      for (Place place : list.items()) {
        readContainer(place);
        containers.add(new Container(kind, place));
      }
    }
    if (spec().field("containers").items().isEmpty()) {
      throw new MalformedPodException(spec().field("containers"), "is empty");
    }
  }

  private static void readContainer(Place container) throws MalformedPodException {
    named(container.field("env"));
    named(container.field("volumeMounts"));
    named(container.field("volumeDevices"));
    Place security = container.field("securityContext");
    optionalObject(security);
    Place capabilities = security.field("capabilities");
    optionalObject(capabilities);
    for (String list : List.of("add", "drop")) {
      optionalList(capabilities.field(list));
      for (Place item : capabilities.field(list).items()) {
        if (!item.value().isTextual()) {
          throw new MalformedPodException(item, "is not text");
        }
      }
    }
  }

  private static void required(Place place) throws MalformedPodException {
    if (!place.value().isObject()) {
      throw new MalformedPodException(place, "is not an object");
    }
  }

  private static void optionalObject(Place place) throws MalformedPodException {
    if (place.isPresent()) {
      required(place);
    }
  }

  private static void optionalList(Place place) throws MalformedPodException {
    if (place.isPresent() && !place.value().isArray()) {
      throw new MalformedPodException(place, "is not a list");
    }
  }

  /** A list of objects, each with a name. */
  private static void named(Place place) throws MalformedPodException {
    optionalList(place);
    for (Place item : place.items()) {
      required(item);
      if (!item.field("name").value().isTextual()) {
        throw new MalformedPodException(item.field("name"), "is missing or not text");
      }
    }
  }

  Place root() {
    return root;
  }

  Place metadata() {
    return root.field("metadata");
  }

  Place spec() {
    return root.field("spec");
  }

  /** All containers: init containers, containers, ephemeral containers. */
  List<Container> containers() {
    return Collections.unmodifiableList(containers);
  }

  List<Place> volumes() {
    return spec().field("volumes").items();
  }

  Map<String, String> labels() {
    return Collections.unmodifiableMap(labels);
  }

  /** What stands where the gateway would: the first init container of its name. */
  Optional<Container> gateway() {
    return containers.stream()
        .filter(c -> c.kind() == Kind.INIT && c.name().equals(GatewayNames.CONTAINER))
        .findFirst();
  }
}
