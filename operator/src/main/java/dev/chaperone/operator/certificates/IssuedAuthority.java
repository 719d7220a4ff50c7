package dev.chaperone.operator.certificates;

import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * An authority that somebody else issues and renews, such as cert-manager. Others believe those who
 * have issued it: so they believe the next one too, and what replaces what is not the operator's
 * concern.
 *
 * @param chain its certificate, and those that lead from it to {@code roots}
 * @param roots those who have issued it
 */
record IssuedAuthority(
    CertificateAuthority current, List<X509Certificate> chain, List<X509Certificate> roots)
    implements SigningAuthority {
  IssuedAuthority {
    Objects.requireNonNull(current, "current");
    chain = List.copyOf(chain);
    roots = List.copyOf(roots);
  }

  @Override
  public List<X509Certificate> trusted(Instant now) {
    return roots;
  }

  @Override
  public List<X509Certificate> between(Instant now) {
    return chain;
  }
}
