package dev.chaperone.operator.certificates;

import dev.chaperone.operator.channel.ServerIdentity;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * What is in use at a moment.
 *
 * @param trusted whom others have to believe
 * @param issuer the certificate of the authority that has signed what servers show
 * @param identity what servers show
 * @param servingRenewal when the next serving certificate is made
 * @param authorityRenewal when the next authority is made, or has to be there
 */
public record Certificates(
    List<X509Certificate> trusted,
    X509Certificate issuer,
    ServerIdentity identity,
    Instant servingRenewal,
    Instant authorityRenewal) {
  public Certificates {
    trusted = List.copyOf(trusted);
    Objects.requireNonNull(issuer, "issuer");
    Objects.requireNonNull(identity, "identity");
    Objects.requireNonNull(servingRenewal, "servingRenewal");
    Objects.requireNonNull(authorityRenewal, "authorityRenewal");
  }

  /** {@link #trusted} in PEM. */
  public String bundle() {
    return Pem.certificates(trusted);
  }

  /** When the authority's certificate ends. */
  public Instant authorityEnd() {
    return issuer.getNotAfter().toInstant();
  }

  /** When the serving certificate ends. */
  public Instant servingEnd() {
    return identity.chain().get(0).getNotAfter().toInstant();
  }
}
