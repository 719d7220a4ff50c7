package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.control.translation.ConnectionConfiguration.ListenTls;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;

/**
 * TLS towards the agent, for clients that insist on it. It protects nothing that the pod's own
 * network does not: the gateway knows who the agent is by the pod, with TLS or without.
 */
final class AgentTls {
  private final ListenTls settings;
  private final SslContext context;

  /**
   * @throws SSLException when this Java runtime cannot use the key
   */
  AgentTls(ListenTls settings) throws SSLException {
    this.settings = settings;
    this.context =
        SslContextBuilder.forServer(settings.key().key(), settings.key().chain())
            .sslProvider(SslProvider.JDK)
            .protocols("TLSv1.3", "TLSv1.2")
            .build();
  }

  boolean isFor(ListenTls other) {
    return settings.equals(other);
  }

  /** Whether clients without TLS are refused. */
  boolean isRequired() {
    return settings.required();
  }

  SslHandler newHandler(ByteBufAllocator allocator, long timeoutMillis) {
    SSLEngine engine = context.newEngine(allocator);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {TargetTls.PROTOCOL_NAME});
    engine.setSSLParameters(parameters);
    SslHandler handler = new SslHandler(engine);
    handler.setHandshakeTimeoutMillis(timeoutMillis);
    return handler;
  }

  /** Whether the client said by ALPN that it speaks PostgreSQL. */
  static boolean saysPostgresql(SslHandler negotiated) {
    return TargetTls.PROTOCOL_NAME.equals(negotiated.engine().getApplicationProtocol());
  }
}
