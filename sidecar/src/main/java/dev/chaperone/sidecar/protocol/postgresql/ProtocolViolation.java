package dev.chaperone.sidecar.protocol.postgresql;

/**
 * One side sent what the protocol does not allow and the stream cannot be followed any further.
 * Where an error answer would do, {@link ErrorReply} is used instead.
 */
final class ProtocolViolation extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what was wrong; holds type bytes and lengths, never content
   */
  ProtocolViolation(String message) {
    super(message, null, false, false);
  }
}
