package dev.chaperone.policy.sql;

/** The text is not one the server's lexer accepts, or it passes a limit. */
final class UnreadableException extends Exception {
  static final String SYNTAX_ERROR = "42601";
  static final String LIMIT_EXCEEDED = "54000";

  private final String sqlState;

  private UnreadableException(String sqlState, String message) {
    // No stack trace: bad input is ordinary, and must not be dear.
    super(message, null, false, false);
    this.sqlState = sqlState;
  }

  static UnreadableException syntax(String message, int position) {
    return new UnreadableException(
        SYNTAX_ERROR, message + " at character " + (position + 1) + " of the statement");
  }

  static UnreadableException limit(String message) {
    return new UnreadableException(LIMIT_EXCEEDED, message);
  }

  SqlAnalysis.Unreadable toAnalysis() {
    return new SqlAnalysis.Unreadable(sqlState, getMessage());
  }
}
