package dev.chaperone.operator.reading;

import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.security.auth.x500.X500Principal;

/** Certificates that clients have shown and whose keys they have proved in TLS. */
final class ClientCertificates {
  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
  private static final String ANY_USAGE = "2.5.29.37.0";
  private static final int LONGEST_PATH = 5;

  private ClientCertificates() {}

  /**
   * Whether these authorities vouch for the client, at this moment.
   *
   * @param chain its own certificate first
   */
  static boolean isOf(List<X509Certificate> authorities, List<X509Certificate> chain) {
    if (chain.isEmpty() || authorities.isEmpty() || !isForClients(chain.get(0))) {
      return false;
    }
    Set<TrustAnchor> anchors =
        authorities.stream().map(one -> new TrustAnchor(one, null)).collect(Collectors.toSet());
    for (int length = 1; length <= Math.min(chain.size(), LONGEST_PATH); length++) {
      if (isPath(anchors, chain.subList(0, length))) {
        return true;
      }
    }
    return false;
  }

  /** As other servers take it: a certificate without that extension is for any use. */
  private static boolean isForClients(X509Certificate certificate) {
    try {
      List<String> usages = certificate.getExtendedKeyUsage();
      return usages == null || usages.contains(CLIENT_AUTH) || usages.contains(ANY_USAGE);
    } catch (CertificateParsingException e) {
      return false;
    }
  }

  private static boolean isPath(Set<TrustAnchor> anchors, List<X509Certificate> path) {
    try {
      PKIXParameters parameters = new PKIXParameters(anchors);
      parameters.setRevocationEnabled(false);
      CertPathValidator.getInstance("PKIX")
          .validate(CertificateFactory.getInstance("X.509").generateCertPath(path), parameters);
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  /** The common name; empty where there is none, or more than one. */
  static String commonName(X509Certificate certificate) {
    try {
      List<Rdn> names =
          new LdapName(certificate.getSubjectX500Principal().getName(X500Principal.RFC2253))
              .getRdns().stream().filter(one -> one.getType().equalsIgnoreCase("CN")).toList();
      return names.size() == 1 && names.get(0).size() == 1
          ? names.get(0).getValue().toString()
          : "";
    } catch (InvalidNameException e) {
      return "";
    }
  }

  /** Whether the certificate is for a host of that name. */
  static boolean isFor(X509Certificate certificate, String host) {
    try {
      var names = certificate.getSubjectAlternativeNames();
      // Type 2 is a DNS name (RFC 5280, section 4.2.1.6).
      return names != null
          && names.stream().anyMatch(one -> one.get(0).equals(2) && host.equals(one.get(1)));
    } catch (CertificateParsingException e) {
      return false;
    }
  }
}
