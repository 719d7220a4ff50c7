package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.control.translation.ConnectionConfiguration.ListenTls;
import dev.chaperone.sidecar.approval.ApprovalDesk;
import dev.chaperone.sidecar.gateway.GatewayThreads;
import dev.chaperone.sidecar.gateway.GuardedConnection;
import dev.chaperone.sidecar.gateway.ListenPassword;
import dev.chaperone.sidecar.gateway.ProtocolServer;
import io.netty.channel.Channel;
import java.util.Optional;
import javax.net.ssl.SSLException;

/** Serves a PostgreSQL target to agents, in protocol version 3.0. */
public final class PostgresqlServer implements ProtocolServer {
  private static final System.Logger LOGGER = System.getLogger(PostgresqlServer.class.getName());

  private final GuardedConnection connection;
  private final GatewayThreads threads;
  private final ApprovalDesk desk;
  private final Optional<ListenPassword> listenPassword;
  private SharedTarget shared;
  private Optional<AgentTls> tls = Optional.empty();
  private boolean closed;

  /**
   * A server for one connection.
   *
   * @param desk where operations that need approval are brought
   */
  public PostgresqlServer(
      GuardedConnection connection,
      GatewayThreads threads,
      ApprovalDesk desk,
      Optional<ListenPassword> listenPassword) {
    this.connection = connection;
    this.threads = threads;
    this.desk = desk;
    this.listenPassword = listenPassword;
    this.shared = new SharedTarget(connection, threads, desk);
  }

  /** What is shared on the way to where the connection leads now. */
  private synchronized SharedTarget shared() {
    if (!closed && !shared.isFor(connection.ruling())) {
      shared.close();
      shared = new SharedTarget(connection, threads, desk);
    }
    return shared;
  }

  /** What clients are offered now; made anew when the Secret holds another key. */
  private synchronized Optional<AgentTls> tls() throws SSLException {
    Optional<ListenTls> wanted = connection.ruling().connection().listenTls();
    if (wanted.isEmpty()) {
      tls = Optional.empty();
    } else if (tls.isEmpty() || !tls.get().isFor(wanted.get())) {
      tls = Optional.of(new AgentTls(wanted.get()));
    }
    return tls;
  }

  @Override
  public void accept(Channel client) {
    Optional<AgentTls> offered;
    try {
      offered = tls();
    } catch (SSLException e) {
      // In clear would be less than the connection says.
      LOGGER.log(
          System.Logger.Level.WARNING, "no TLS for clients connection={0}", connection.name());
      connection.metrics().loginFailed("client-tls");
      client.close();
      return;
    }
    offered.ifPresent(
        with ->
            client
                .pipeline()
                .addLast("direct-tls", new DirectTls(with, AgentStartup.TIMEOUT_MILLIS)));
    client
        .pipeline()
        .addLast("startup", new AgentStartup(connection, this::shared, listenPassword, offered));
  }

  @Override
  public void prepare() {
    shared().prepare();
  }

  @Override
  public synchronized void close() {
    closed = true;
    shared.close();
  }
}
