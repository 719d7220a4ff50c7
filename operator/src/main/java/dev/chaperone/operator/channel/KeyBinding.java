package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import java.util.Objects;

/**
 * Which key speaks for a pod.
 *
 * @param publicKey Ed25519, as SubjectPublicKeyInfo
 * @param restarts how often the sidecar had been started anew when the key was last proved; only a
 *     later start can bring another key
 */
public record KeyBinding(Bytes publicKey, long restarts) {
  public KeyBinding {
    Objects.requireNonNull(publicKey, "publicKey");
    if (restarts < 0) {
      throw new IllegalArgumentException("restarts " + restarts);
    }
  }
}
