package dev.chaperone.operator.certificates;

import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;

/**
 * What serving certificates are signed with, and how those who connect get from there to whom they
 * believe.
 */
sealed interface SigningAuthority permits Authority, IssuedAuthority {

  /** Signs. */
  CertificateAuthority current();

  /** Whom to believe at that time; at least one. */
  List<X509Certificate> trusted(Instant now);

  /** What a server shows after its own certificate. */
  List<X509Certificate> between(Instant now);
}
