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
  private final SharedTarget shared;
  private final Optional<ListenPassword> listenPassword;

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
    this.shared = new SharedTarget(connection, threads, desk);
    this.listenPassword = listenPassword;
  }

  @Override
  public void accept(Channel client) {
    client.pipeline().addLast("startup", new AgentStartup(shared, listenPassword));
  }

  @Override
  public void prepare() {
    shared.prepare();
  }

  @Override
  public void close() {
    shared.close();
  }
}
