package dev.chaperone.operator.channel;

import java.io.IOException;
import java.util.Objects;
import java.util.Optional;

/** Looks at pods as they are at this moment, past any cache. */
public interface PodLookup {

  /**
   * What is known of a pod.
   *
   * @param sidecarRestarts how often its sidecar was started anew
   */
  record Found(String uid, long sidecarRestarts) {
    public Found {
      Objects.requireNonNull(uid, "uid");
    }
  }

  /**
   * Looks a pod up.
   *
   * @return empty where there is none of that name
   * @throws IOException where the API server does not answer
   */
  Optional<Found> find(String namespace, String name) throws IOException;
}
