package dev.chaperone.sidecar.gateway;

import io.netty.channel.Channel;

/** Serves one AgentConnection in its protocol. Each protocol package has one implementation. */
public interface ProtocolServer extends AutoCloseable {

  /** Sets up the pipeline of a client connection that was just accepted. */
  void accept(Channel client);

  /** The server is in force: it may get ready for its first client. */
  void prepare();

  @Override
  void close();
}
