package dev.chaperone.operator.channel;

import java.io.IOException;
import java.util.Objects;
import java.util.Optional;

/**
 * Where it is kept which key speaks for which pod: where only the operator can write, and every
 * replica of it sees the same.
 */
public interface KeyBindings {

  /**
   * A binding as it was read.
   *
   * @param version what {@link #replace} compares
   */
  record Stored(KeyBinding binding, String version) {
    public Stored {
      Objects.requireNonNull(binding, "binding");
      Objects.requireNonNull(version, "version");
    }
  }

  /** The binding of a pod. */
  Optional<Stored> find(SidecarPod pod) throws IOException;

  /**
   * Binds the first key of a pod.
   *
   * @return false where another replica was faster; then nothing was changed
   */
  boolean create(SidecarPod pod, KeyBinding binding) throws IOException;

  /**
   * Binds another key in the place of the one that was read.
   *
   * @return false where it is not the same any more; then nothing was changed
   */
  boolean replace(SidecarPod pod, Stored read, KeyBinding binding) throws IOException;
}
