package dev.chaperone.sidecar.protocol.postgresql;

/**
 * Types of the messages a client sends. PostgreSQL documentation, "Frontend/Backend Protocol",
 * section "Message Formats".
 */
final class FrontendMessage {
  static final byte BIND = 'B';
  static final byte CLOSE = 'C';
  static final byte COPY_DATA = 'd';
  static final byte COPY_DONE = 'c';
  static final byte COPY_FAIL = 'f';
  static final byte DESCRIBE = 'D';
  static final byte EXECUTE = 'E';
  static final byte FLUSH = 'H';
  static final byte FUNCTION_CALL = 'F';
  static final byte PARSE = 'P';
  static final byte PASSWORD = 'p';
  static final byte QUERY = 'Q';
  static final byte SYNC = 'S';
  static final byte TERMINATE = 'X';

  private FrontendMessage() {}
}
