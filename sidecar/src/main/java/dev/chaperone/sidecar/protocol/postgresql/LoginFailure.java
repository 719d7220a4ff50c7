package dev.chaperone.sidecar.protocol.postgresql;

/** Why no connection to the target could be opened, in words for the agent. */
final class LoginFailure extends Exception {
  private static final long serialVersionUID = 1L;

  private final String cause;
  private final transient ErrorReply reply;

  /**
   * @param cause a constant for metric and log
   * @param reply holds no host, no user name, nothing of the target's credential
   */
  LoginFailure(String cause, ErrorReply reply) {
    super(cause, null, false, false);
    this.cause = cause;
    this.reply = reply;
  }

  String metricCause() {
    return cause;
  }

  ErrorReply reply() {
    return reply;
  }

  static LoginFailure unreachable() {
    return new LoginFailure(
        "target-unreachable",
        ErrorReply.fatal(
            SqlState.CANNOT_CONNECT,
            "the target database cannot be reached",
            "Try again later; the next connection tries again."));
  }

  static LoginFailure timedOut() {
    return new LoginFailure(
        "target-timeout",
        ErrorReply.fatal(
            SqlState.CANNOT_CONNECT,
            "the target database did not answer in time",
            "Try again later; the next connection tries again."));
  }

  /** The connection does not lead there any more, or is not served any more. */
  static LoginFailure givenUp() {
    return new LoginFailure(
        "given-up",
        ErrorReply.fatal(
            SqlState.CANNOT_CONNECT_NOW,
            "the connection's configuration was changed",
            "Connect again."));
  }

  static LoginFailure tls() {
    return new LoginFailure(
        "tls",
        ErrorReply.fatal(
            SqlState.CANNOT_CONNECT,
            "a secure connection to the target database could not be established",
            "The owner of this AgentConnection has to check its TLS settings."));
  }

  static LoginFailure credentials() {
    return new LoginFailure(
        "credentials",
        ErrorReply.fatal(
            SqlState.INVALID_AUTHORIZATION,
            "the target database refused the gateway's credential",
            "The owner of this AgentConnection has to check its Secret. What the client sends as"
                + " password does not matter."));
  }

  static LoginFailure unsupportedAuthentication(String message) {
    return new LoginFailure(
        "authentication-method",
        ErrorReply.fatal(
            SqlState.INVALID_AUTHORIZATION,
            message,
            "Configure scram-sha-256 on the target, or TLS mode VerifyCA or VerifyFull."));
  }

  /** The target refused what the log-in was bound to, or that it could not be bound. */
  static LoginFailure channelBinding() {
    return new LoginFailure(
        "channel-binding",
        ErrorReply.fatal(
            SqlState.INVALID_AUTHORIZATION,
            "the target database does not see the TLS connection that the gateway sees",
            "Somebody may be between the two. Where that is meant (a proxy that ends TLS), the owner"
                + " of this AgentConnection has to set channelBinding: Disable."));
  }

  /** The connection asks for channel binding and there is none. */
  static LoginFailure notBound(String message) {
    return new LoginFailure(
        "channel-binding",
        ErrorReply.fatal(
            SqlState.INVALID_AUTHORIZATION,
            message,
            "The owner of this AgentConnection has to check spec.target.tls.channelBinding."));
  }

  static LoginFailure protocol() {
    return new LoginFailure(
        "protocol",
        ErrorReply.fatal(
            SqlState.CONNECTION_FAILURE, "the target database did not answer as PostgreSQL does"));
  }

  /** The target let the gateway in and does not tell it what statements would be judged by. */
  static LoginFailure catalogRefused() {
    return new LoginFailure(
        "catalog-refused",
        ErrorReply.fatal(
            SqlState.CANNOT_CONNECT,
            "the target database refused to say what its catalog holds",
            "The gateway's account needs the rights on pg_catalog that PostgreSQL grants to"
                + " everybody; the owner of this AgentConnection has to check them."));
  }

  /**
   * The target refused for a reason of its own.
   *
   * @param sqlState the target's; passed on only where it says nothing of how the gateway logs in
   */
  static LoginFailure refusedByTarget(String sqlState) {
    switch (sqlState) {
      case SqlState.TOO_MANY_CONNECTIONS:
        return new LoginFailure(
            "too-many-connections",
            ErrorReply.fatal(
                sqlState,
                "the target database has too many connections",
                "Close connections that are not used, or try again later."));
      case SqlState.CANNOT_CONNECT_NOW:
        return new LoginFailure(
            "target-starting",
            ErrorReply.fatal(
                sqlState, "the target database is starting or stopping", "Try again later."));
      case SqlState.INVALID_CATALOG_NAME:
        return new LoginFailure(
            "database",
            ErrorReply.fatal(
                sqlState,
                "the connection's database does not exist on the target",
                "The owner of this AgentConnection has to check spec.target.database."));
      case SqlState.INVALID_AUTHORIZATION:
      case SqlState.INVALID_PASSWORD:
        return credentials();
      default:
        return new LoginFailure(
            "refused",
            ErrorReply.fatal(
                sqlState.matches("[0-9A-Z]{5}") ? sqlState : SqlState.CONNECTION_FAILURE,
                "the target database refused the session",
                "A setting asked for at connection time may be invalid."));
    }
  }
}
