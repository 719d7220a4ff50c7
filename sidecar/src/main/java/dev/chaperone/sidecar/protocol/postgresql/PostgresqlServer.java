package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.sidecar.approval.ApprovalDesk;
import dev.chaperone.sidecar.gateway.GatewayThreads;
import dev.chaperone.sidecar.gateway.GuardedConnection;
import dev.chaperone.sidecar.gateway.ListenPassword;
import dev.chaperone.sidecar.gateway.ProtocolServer;
import io.netty.channel.Channel;
import java.util.Optional;

/** Serves a PostgreSQL target to agents, in protocol version 3.0. */
public final class PostgresqlServer implements ProtocolServer {
  private final GuardedConnection connection;
  private final GatewayThreads threads;
  private final ApprovalDesk desk;
  private final Optional<ListenPassword> listenPassword;
  private SharedTarget shared;
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

  @Override
  public void accept(Channel client) {
    client
        .pipeline()
        .addLast("startup", new AgentStartup(connection, this::shared, listenPassword));
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
