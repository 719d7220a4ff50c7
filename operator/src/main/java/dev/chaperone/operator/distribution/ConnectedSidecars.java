package dev.chaperone.operator.distribution;

import dev.chaperone.operator.channel.ConnectedSidecar;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The sidecars that this replica talks to, by the uid of their pod. Safe for use by any thread. */
final class ConnectedSidecars {
  private final Map<String, ConnectedSidecar> byPod = new ConcurrentHashMap<>();

  void add(ConnectedSidecar sidecar) {
    byPod.put(sidecar.pod().uid(), sidecar);
  }

  /** A newer connection of the same pod stays. */
  void remove(ConnectedSidecar sidecar) {
    byPod.remove(sidecar.pod().uid(), sidecar);
  }

  Optional<ConnectedSidecar> find(String podUid) {
    return Optional.ofNullable(byPod.get(podUid));
  }

  /** Whether it is still the one that speaks for its pod. */
  boolean isCurrent(ConnectedSidecar sidecar) {
    return byPod.get(sidecar.pod().uid()) == sidecar;
  }

  List<ConnectedSidecar> ofNamespace(String namespace) {
    return byPod.values().stream()
        .filter(sidecar -> sidecar.pod().namespace().equals(namespace))
        .toList();
  }

  List<ConnectedSidecar> all() {
    return List.copyOf(byPod.values());
  }
}
