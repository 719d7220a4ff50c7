package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.operator.injection.RawPod.Container;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a pod has under the gateway's names, told apart into what is exactly the gateway's own and
 * what is not. Who put it there does not matter.
 *
 * @param container the gateway's container
 * @param volumes the names of the gateway's volumes that the pod has
 * @param pointers of all that
 * @param strangers what has a name of the gateway's, and is something else
 */
record GatewayTraces(
    Optional<Container> container,
    Set<String> volumes,
    Set<String> pointers,
    List<Stranger> strangers) {

  /**
   * Something with a name of the gateway's.
   *
   * @param reason which kind of name
   * @param place of it
   * @param differences from the gateway's, at least one; the place itself where it should not be
   *     there at all
   */
  record Stranger(RefusalReason reason, Place place, List<Place> differences) {}

  static GatewayTraces of(RawPod pod, SidecarContainer sidecar) {
    Optional<Container> own = Optional.empty();
    Set<String> volumes = new HashSet<>();
    Set<String> pointers = new HashSet<>();
    List<Stranger> strangers = new ArrayList<>();
    for (Container container : pod.containers()) {
      if (!container.name().equals(GatewayNames.CONTAINER)) {
        continue;
      }
      Place place = container.place();
      boolean first = own.isEmpty() && container.kind() == RawPod.Kind.INIT;
      List<Place> differences = first ? Difference.between(sidecar.json(), place) : List.of(place);
      if (differences.isEmpty()) {
        own = Optional.of(container);
        pointers.add(place.pointer());
      } else {
        strangers.add(new Stranger(RefusalReason.RESERVED_CONTAINER, place, differences));
      }
    }
    Map<String, ObjectNode> expected = new HashMap<>();
    sidecar.volumes().forEach(volume -> expected.put(volume.path("name").asText(), volume));
    for (Place volume : pod.volumes()) {
      String name = volume.field("name").text();
      if (!GatewayNames.VOLUMES.contains(name)) {
        continue;
      }
      List<Place> differences =
          volumes.contains(name) ? List.of(volume) : Difference.between(expected.get(name), volume);
      if (differences.isEmpty()) {
        volumes.add(name);
        pointers.add(volume.pointer());
      } else {
        strangers.add(new Stranger(RefusalReason.RESERVED_VOLUME, volume, differences));
      }
    }
    return new GatewayTraces(own, volumes, pointers, strangers);
  }

  /** Whether that place is the gateway's own. */
  boolean isGateway(String pointer) {
    return pointers.contains(pointer);
  }
}
