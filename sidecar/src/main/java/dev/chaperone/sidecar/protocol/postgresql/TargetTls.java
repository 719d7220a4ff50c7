package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.control.translation.ConnectionConfiguration.ClientCertificate;
import dev.chaperone.control.translation.ConnectionConfiguration.Tls;
import dev.chaperone.crds.v1alpha1.TlsMode;
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
  private final Tls settings;
  private final SslContext context;

  /**
   * @throws SSLException when the certificates cannot be read
   */
  TargetTls(Tls settings) throws SSLException {
    this.settings = settings;
    this.context = isEnabled() ? context(settings) : null;
  }

  boolean isEnabled() {
    return settings.mode() != TlsMode.DISABLE;
  }

  /** Whether the target has proved who it is, so that a password may be shown to it. */
  boolean verifiesTarget() {
    return settings.mode() == TlsMode.VERIFY_CA || settings.mode() == TlsMode.VERIFY_FULL;
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
    Optional<ClientCertificate> client = settings.clientCertificate();
    if (client.isPresent()) {
      builder.keyManager(
          new ByteArrayInputStream(client.get().certificate().bytes()),
          new ByteArrayInputStream(client.get().key().bytes()));
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
