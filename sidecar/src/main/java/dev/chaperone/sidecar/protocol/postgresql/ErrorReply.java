package dev.chaperone.sidecar.protocol.postgresql;

import java.util.Objects;

/**
 * An ErrorResponse of the gateway's own. PostgreSQL documentation, "Error and Notice Message
 * Fields".
 *
 * @param sqlState five characters, see {@link SqlState}
 * @param detail empty for none
 * @param hint empty for none
 * @param decision the id of the decision it tells of, which the detail names; empty for none
 */
record ErrorReply(
    Severity severity,
    String sqlState,
    String message,
    String detail,
    String hint,
    String decision) {

  /** What becomes of the connection: it is kept after ERROR and closed after FATAL. */
  enum Severity {
    ERROR,
    FATAL
  }

  ErrorReply {
    Objects.requireNonNull(severity, "severity");
    Objects.requireNonNull(sqlState, "sqlState");
    Objects.requireNonNull(message, "message");
    Objects.requireNonNull(detail, "detail");
    Objects.requireNonNull(hint, "hint");
    Objects.requireNonNull(decision, "decision");
  }

  static ErrorReply error(String sqlState, String message) {
    return new ErrorReply(Severity.ERROR, sqlState, message, "", "", "");
  }

  static ErrorReply error(String sqlState, String message, String hint) {
    return new ErrorReply(Severity.ERROR, sqlState, message, "", hint, "");
  }

  static ErrorReply fatal(String sqlState, String message) {
    return new ErrorReply(Severity.FATAL, sqlState, message, "", "", "");
  }

  static ErrorReply fatal(String sqlState, String message, String hint) {
    return new ErrorReply(Severity.FATAL, sqlState, message, "", hint, "");
  }

  /** The same, where it ends the connection. */
  ErrorReply asFatal() {
    return new ErrorReply(Severity.FATAL, sqlState, message, detail, hint, decision);
  }
}
