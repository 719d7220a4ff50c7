package dev.chaperone.sidecar.protocol.postgresql;

/**
 * Types of the messages a server sends. PostgreSQL documentation, "Frontend/Backend Protocol",
 * section "Message Formats".
 */
final class BackendMessage {
  static final byte AUTHENTICATION = 'R';
  static final byte BACKEND_KEY_DATA = 'K';
  static final byte BIND_COMPLETE = '2';
  static final byte CLOSE_COMPLETE = '3';
  static final byte COMMAND_COMPLETE = 'C';
  static final byte COPY_DATA = 'd';
  static final byte COPY_DONE = 'c';
  static final byte COPY_IN_RESPONSE = 'G';
  static final byte COPY_OUT_RESPONSE = 'H';
  static final byte DATA_ROW = 'D';
  static final byte EMPTY_QUERY_RESPONSE = 'I';
  static final byte ERROR_RESPONSE = 'E';
  static final byte NEGOTIATE_PROTOCOL_VERSION = 'v';
  static final byte NO_DATA = 'n';
  static final byte NOTICE_RESPONSE = 'N';
  static final byte NOTIFICATION_RESPONSE = 'A';
  static final byte PARAMETER_DESCRIPTION = 't';
  static final byte PARAMETER_STATUS = 'S';
  static final byte PARSE_COMPLETE = '1';
  static final byte PORTAL_SUSPENDED = 's';
  static final byte READY_FOR_QUERY = 'Z';
  static final byte ROW_DESCRIPTION = 'T';

  private BackendMessage() {}
}
