package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import java.util.Optional;

/** What becomes of a key that a sidecar has proved to hold. */
enum KeyRule {
  /** It is the bound one. */
  ACCEPT,

  /** It is bound from now on. */
  BIND,

  /** Another key speaks for this pod. */
  REFUSE;

  /**
   * Applies the rule: the first key is bound; another one only after the sidecar was started anew,
   * because the one before was in its memory alone.
   *
   * <p>A bound key that is proved after the count has risen is bound again with the new count: a
   * count that was known late must not stay an opening for somebody else's key.
   *
   * @param bound the binding so far
   * @param restarts how often the sidecar was started anew up to now
   */
  static KeyRule of(Optional<KeyBinding> bound, Bytes presented, long restarts) {
    if (bound.isEmpty()) {
      return BIND;
    }
    boolean started = restarts > bound.get().restarts();
    if (bound.get().publicKey().equals(presented)) {
      return started ? BIND : ACCEPT;
    }
    return started ? BIND : REFUSE;
  }
}
