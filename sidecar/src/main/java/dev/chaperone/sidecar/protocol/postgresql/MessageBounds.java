package dev.chaperone.sidecar.protocol.postgresql;

import java.util.function.IntSupplier;

/** How long the agent's messages may be, and how much of one is needed to judge it. */
final class MessageBounds {
  /** Longest message of a fixed small shape (Describe, Execute, Close, CopyFail), in bytes. */
  private static final int SMALL_MESSAGE_BYTES = 16 << 10;

  /** A longer Bind is judged by its names and passed on as it comes, in bytes. */
  private static final int BUFFERED_BIND_BYTES = 64 << 10;

  /** Enough of a Bind for both names, in bytes. */
  private static final int BIND_NAMES_BYTES = 2 * (BodyReader.MAX_NAME_BYTES + 1);

  /** What a Parse may have beside its text: a name, and a type for each of 65,535 parameters. */
  private static final int PARSE_OVERHEAD_BYTES = 256 << 10;

  private final IntSupplier statementBytes;
  private final IntSupplier messageBytes;

  /**
   * Bounds that may change from message to message.
   *
   * @param statementBytes longest text of a statement
   * @param messageBytes longest message that carries data
   */
  MessageBounds(IntSupplier statementBytes, IntSupplier messageBytes) {
    this.statementBytes = statementBytes;
    this.messageBytes = messageBytes;
  }

  /** As {@link MessageFramer.Handler#requiredBytes}: none of a message that is too long anyway. */
  int requiredBytes(byte type, int bodyBytes) {
    if (type == FrontendMessage.COPY_DATA || isTooLong(type, bodyBytes)) {
      return 0;
    }
    return type == FrontendMessage.BIND && bodyBytes > BUFFERED_BIND_BYTES
        ? BIND_NAMES_BYTES
        : bodyBytes;
  }

  boolean isTooLong(byte type, int bodyBytes) {
    switch (type) {
      case FrontendMessage.COPY_DATA:
      case FrontendMessage.BIND:
        return bodyBytes > messageBytes.getAsInt();
      case FrontendMessage.QUERY:
        return isTextTooLong(bodyBytes - 1);
      case FrontendMessage.PARSE:
        return isTextTooLong(bodyBytes - PARSE_OVERHEAD_BYTES);
      default:
        return bodyBytes > SMALL_MESSAGE_BYTES;
    }
  }

  boolean isTextTooLong(int textBytes) {
    return textBytes > statementBytes.getAsInt();
  }

  /** What the client is told of a message that is too long. */
  ErrorReply tooLong(byte type) {
    return ErrorReply.error(
        SqlState.PROGRAM_LIMIT_EXCEEDED,
        "message is longer than the gateway accepts: limit " + limit(type) + " bytes",
        "Split it, pass large values as parameters, or use COPY.");
  }

  private int limit(byte type) {
    switch (type) {
      case FrontendMessage.COPY_DATA:
      case FrontendMessage.BIND:
        return messageBytes.getAsInt();
      case FrontendMessage.QUERY:
      case FrontendMessage.PARSE:
        return statementBytes.getAsInt();
      default:
        return SMALL_MESSAGE_BYTES;
    }
  }
}
