package dev.chaperone.sidecar.gateway;

/** One open client connection, as the gateway sees it. Methods may be called from any thread. */
public interface ClientConnection {

  /** Why the gateway closes a client connection. */
  enum CloseReason {
    SHUTDOWN("the gateway is shutting down"),
    SUSPENDED("the connection is suspended"),
    REVOKED("the session was revoked"),
    RECONFIGURED("the connection's configuration was changed; connect again"),
    REMOVED("the connection was removed from the configuration");

    private final String message;

    CloseReason(String message) {
      this.message = message;
    }

    /** What the client is told. */
    public String message() {
      return message;
    }
  }

  /** Ends it as soon as the operation under way and its transaction are over. */
  void drain(CloseReason reason);

  /** Ends it now; what is under way is cancelled on the target. */
  void close(CloseReason reason);
}
