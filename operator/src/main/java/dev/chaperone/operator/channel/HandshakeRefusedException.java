package dev.chaperone.operator.channel;

/** A sidecar is not let in. The message is for its log, and holds nothing of the token. */
public final class HandshakeRefusedException extends Exception {
  private static final long serialVersionUID = 1L;

  private final RefusalReason reason;

  HandshakeRefusedException(RefusalReason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** Why. */
  public RefusalReason reason() {
    return reason;
  }
}
