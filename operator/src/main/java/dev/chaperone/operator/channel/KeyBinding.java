package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import java.util.Objects;
import java.util.Optional;

/**
 * Which key speaks for a pod.
 *
 * @param publicKey Ed25519, as SubjectPublicKeyInfo
 * @param restarts how often the sidecar had been started anew when the key was last proved; only a
 *     later start can bring another key
 * @param recordingKey what the pod's recordings are signed with, once its sidecar has said so;
 *     never another one
 */
public record KeyBinding(Bytes publicKey, long restarts, Optional<Bytes> recordingKey) {
  public KeyBinding {
    Objects.requireNonNull(publicKey, "publicKey");
    Objects.requireNonNull(recordingKey, "recordingKey");
    if (restarts < 0) {
      throw new IllegalArgumentException("restarts " + restarts);
    }
  }

  /** Of a pod that has shipped no recording yet. */
  public KeyBinding(Bytes publicKey, long restarts) {
    this(publicKey, restarts, Optional.empty());
  }

  /** The same, with what recordings are signed with. */
  KeyBinding withRecordingKey(Bytes key) {
    return new KeyBinding(publicKey, restarts, Optional.of(key));
  }
}
