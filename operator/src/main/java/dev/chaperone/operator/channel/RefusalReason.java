package dev.chaperone.operator.channel;

/** Why a sidecar is not let in, or is sent away. */
public enum RefusalReason {
  /** Nothing in common to speak. */
  VERSION("version"),
  /** What came was not what the handshake, or the conversation, expects. */
  PROTOCOL("protocol"),
  /** The handshake took too long. */
  DEADLINE("deadline"),
  /** The API server does not accept the token: forged, expired, or its pod is gone. */
  TOKEN_INVALID("token-invalid"),
  /** The token was made for somebody else. */
  TOKEN_AUDIENCE("token-audience"),
  /** The token names no pod. */
  TOKEN_UNBOUND("token-unbound"),
  /** There is no such pod, or it is another one of the same name. */
  POD_GONE("pod-gone"),
  /** The signature does not prove the key for this conversation, token and pod. */
  KEY_UNPROVED("key-unproved"),
  /** Another key speaks for the pod. */
  KEY_NOT_BOUND("key-not-bound"),
  /** It spoke for another pod. */
  FOREIGN("foreign"),
  /** The operator cannot tell now; to be tried again. */
  UNAVAILABLE("unavailable"),
  /** It does not take what it is sent. */
  TOO_SLOW("too-slow"),
  /** Its pod has connected anew. */
  REPLACED("replaced");

  private final String label;

  RefusalReason(String label) {
    this.label = label;
  }

  /** The word in messages. */
  public String label() {
    return label;
  }
}
