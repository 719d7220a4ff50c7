package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.control.translation.CertifiedKey;
import dev.chaperone.control.translation.ConnectionConfiguration.Tls;
import dev.chaperone.crds.v1alpha1.ChannelBinding;
import dev.chaperone.crds.v1alpha1.TlsMode;
import dev.chaperone.crds.v1alpha1.TlsNegotiation;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;

/**
 * TLS to the target, in libpq's terms: {@code require} encrypts, {@code verify-ca} also checks the
 * chain, {@code verify-full} the name too. PostgreSQL documentation, "SSL Support".
 */
final class TargetTls {
  /** The name of PostgreSQL's protocol in ALPN; PG_ALPN_PROTOCOL in the server's pqcomm.h. */
  static final String PROTOCOL_NAME = "postgresql";

  private final Tls settings;
  private final SslContext context;

  /**
   * @throws SSLException when the certificates cannot be read
   */
  TargetTls(Tls settings) throws SSLException {
    this.settings = settings;
    this.context = isEnabled() ? context(settings) : null;
  }

  boolean isFor(Tls other) {
    return settings.equals(other);
  }

  boolean isEnabled() {
    return settings.mode() != TlsMode.DISABLE;
  }

  /** Whether the target has proved who it is, so that a password may be shown to it. */
  boolean verifiesTarget() {
    return settings.mode() == TlsMode.VERIFY_CA || settings.mode() == TlsMode.VERIFY_FULL;
  }

  ChannelBinding channelBinding() {
    return settings.channelBinding();
  }

  /** Whether the handshake comes first, without a request of PostgreSQL's own before it. */
  boolean isDirect() {
    return settings.negotiation() == TlsNegotiation.DIRECT;
  }

  /**
   * Whether what was negotiated is as it has to be. Without a request of PostgreSQL's own before
   * the handshake, the other end has to say that it speaks PostgreSQL, or it could be anything that
   * the certificate is for; PostgreSQL documentation, "SSL Session Encryption".
   */
  boolean accepts(SslHandler negotiated) {
    return !isDirect() || PROTOCOL_NAME.equals(negotiated.engine().getApplicationProtocol());
  }

  SslHandler newHandler(ByteBufAllocator allocator, int port, long timeoutMillis) {
    String name = settings.serverName();
    SSLEngine engine = context.newEngine(allocator, name, port);
    SSLParameters parameters = engine.getSSLParameters();
    if (isHostName(name)) {
      parameters.setServerNames(List.of(new SNIHostName(name)));
    }
    parameters.setEndpointIdentificationAlgorithm(
        settings.mode() == TlsMode.VERIFY_FULL ? "HTTPS" : null);
    parameters.setApplicationProtocols(new String[] {PROTOCOL_NAME});
    engine.setSSLParameters(parameters);
    SslHandler handler = new SslHandler(engine);
    handler.setHandshakeTimeoutMillis(timeoutMillis);
    return handler;
  }

  private static SslContext context(Tls settings) throws SSLException {
    SslContextBuilder builder =
        SslContextBuilder.forClient()
            .sslProvider(SslProvider.JDK)
            .protocols("TLSv1.3", "TLSv1.2")
            .endpointIdentificationAlgorithm(null);
    if (settings.mode() == TlsMode.REQUIRE) {
      builder.trustManager(InsecureTrustManagerFactory.INSTANCE);
    } else if (settings.certificateAuthorities().isPresent()) {
      builder.trustManager(
          new ByteArrayInputStream(settings.certificateAuthorities().get().bytes()));
    }
    Optional<CertifiedKey> client = settings.clientCertificate();
    if (client.isPresent()) {
      builder.keyManager(client.get().key(), client.get().chain());
    }
    try {
      return builder.build();
    } catch (IllegalArgumentException e) {
      throw new SSLException("certificate or key cannot be read", e);
    }
  }

  /** SNI names hosts, not addresses; RFC 6066, section 3. */
  private static boolean isHostName(String name) {
    return !name.matches("[0-9.]+") && !name.contains(":");
  }
}
