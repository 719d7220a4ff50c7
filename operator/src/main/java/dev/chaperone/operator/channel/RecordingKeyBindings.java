package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import java.io.IOException;
import java.util.Optional;

/**
 * Which key signs the recordings of a pod: the first one that its sidecar has named over a
 * connection that had proved the pod's key. It is on the pod's own volume and outlives restarts of
 * the container, so that no other one is ever bound.
 */
public final class RecordingKeyBindings {
  private static final int ATTEMPTS = 5;

  private final KeyBindings bindings;

  /** Kept beside the keys that speak for pods. */
  public RecordingKeyBindings(KeyBindings bindings) {
    this.bindings = bindings;
  }

  /**
   * Binds a key where the pod has none yet.
   *
   * @return whether it is the pod's
   * @throws IOException when that cannot be found out now
   */
  public boolean bind(SidecarPod pod, Bytes key) throws IOException {
    for (int i = 0; i < ATTEMPTS; i++) {
      Optional<KeyBindings.Stored> stored = bindings.find(pod);
      if (stored.isEmpty()) {
        throw new IOException("no key is bound to pod " + pod + " any more");
      }
      Optional<Bytes> bound = stored.get().binding().recordingKey();
      if (bound.isPresent()) {
        return bound.get().equals(key);
      }
      if (bindings.replace(pod, stored.get(), stored.get().binding().withRecordingKey(key))) {
        return true;
      }
    }
    throw new IOException("the recording's key could not be bound: others bind keys of this pod");
  }
}
