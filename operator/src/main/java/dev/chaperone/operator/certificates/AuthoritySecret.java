package dev.chaperone.operator.certificates;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Authorities as the keys of a Secret: the operator's own, and back; and one that somebody else has
 * issued.
 */
final class AuthoritySecret {
  static final String CERTIFICATE = "tls.crt";
  static final String KEY = "tls.key";
  static final String ISSUERS = "ca.crt";
  static final String PREVIOUS = "previous.crt";
  static final String BRIDGE = "bridge.crt";

  private static final int LONGEST = 16 * 1024;
  private static final byte[] PROBE = "chaperone".getBytes(StandardCharsets.US_ASCII);

  private AuthoritySecret() {}

  /** What was made of what is stored. */
  sealed interface Reading {}

  /** There is no Secret. */
  record Absent() implements Reading {}

  /** An authority. */
  record Understood(Authority authority) implements Reading {
    Understood {
      Objects.requireNonNull(authority, "authority");
    }
  }

  /**
   * Not what an operator stores.
   *
   * @param problem holds nothing of the Secret
   */
  record Damaged(String problem) implements Reading {
    Damaged {
      Objects.requireNonNull(problem, "problem");
    }
  }

  static Map<String, byte[]> write(Authority authority) {
    Map<String, byte[]> data = new LinkedHashMap<>();
    data.put(CERTIFICATE, pem(authority.current().certificate()));
    data.put(KEY, Pem.key(authority.current().key()).getBytes(StandardCharsets.US_ASCII));
    authority
        .overlap()
        .ifPresent(
            overlap -> {
              data.put(PREVIOUS, pem(overlap.previous()));
              data.put(BRIDGE, pem(overlap.bridge()));
            });
    return data;
  }

  private static byte[] pem(X509Certificate certificate) {
    return Pem.certificates(List.of(certificate)).getBytes(StandardCharsets.US_ASCII);
  }

  static Reading read(Map<String, byte[]> data) {
    try {
      X509Certificate certificate = authority(data, CERTIFICATE);
      PrivateKey key = key(data);
      check(belong(key, certificate.getPublicKey()), KEY + " is not the key of " + CERTIFICATE);
      CertificateAuthority current = new CertificateAuthority(key, certificate);
      if (!data.containsKey(PREVIOUS) && !data.containsKey(BRIDGE)) {
        return new Understood(new Authority(current, Optional.empty()));
      }
      X509Certificate previous = authority(data, PREVIOUS);
      X509Certificate bridge = authority(data, BRIDGE);
      check(
          bridge.getPublicKey().equals(certificate.getPublicKey())
              && isSignedBy(bridge, previous.getPublicKey()),
          BRIDGE + " does not lead from " + PREVIOUS + " to " + CERTIFICATE);
      return new Understood(
          new Authority(current, Optional.of(new Authority.Overlap(previous, bridge))));
    } catch (DamagedException e) {
      return new Damaged(e.getMessage());
    }
  }

  /** Whether anything was issued into it: cert-manager makes a Secret with a key alone at first. */
  static boolean isIssued(Map<String, byte[]> data) {
    byte[] certificate = data.get(CERTIFICATE);
    return certificate != null && certificate.length > 0;
  }

  /**
   * As cert-manager writes it: the certificate of the authority and those that lead to who has
   * issued it, its key, and those who have issued it.
   *
   * @throws DamagedException where others could not rely on it
   */
  static IssuedAuthority readIssued(Map<String, byte[]> data, Instant now) throws DamagedException {
    List<X509Certificate> chain = certificates(data, CERTIFICATE);
    X509Certificate certificate = chain.get(0);
    PrivateKey key = key(data);
    check(belong(key, certificate.getPublicKey()), KEY + " is not the key of " + CERTIFICATE);
    check(
        certificate.getBasicConstraints() >= 0 && maySign(certificate),
        CERTIFICATE + " is not that of an authority (isCA: true)");
    List<X509Certificate> roots = certificates(data, ISSUERS);
    check(
        !roots.contains(certificate)
            && !certificate.getSubjectX500Principal().equals(certificate.getIssuerX500Principal()),
        CERTIFICATE
            + " has issued itself, so that those who believe it would not believe the next one:"
            + " take an issuer that has an authority of its own");
    check(Authority.isValid(certificate, now), CERTIFICATE + " has expired and was not renewed");
    return new IssuedAuthority(
        new CertificateAuthority(key, certificate), path(chain, roots, now), roots);
  }

  private static boolean maySign(X509Certificate certificate) {
    boolean[] usage = certificate.getKeyUsage();
    // Bit 5 is keyCertSign (RFC 5280, section 4.2.1.3).
    return usage == null || usage[5];
  }

  /** The part of a chain that leads to one of the roots: some issuers add the root itself. */
  private static List<X509Certificate> path(
      List<X509Certificate> chain, List<X509Certificate> roots, Instant now)
      throws DamagedException {
    Set<TrustAnchor> anchors =
        roots.stream().map(root -> new TrustAnchor(root, null)).collect(Collectors.toSet());
    for (int length = 1; length <= chain.size(); length++) {
      List<X509Certificate> path = chain.subList(0, length);
      try {
        PKIXParameters parameters = new PKIXParameters(anchors);
        parameters.setRevocationEnabled(false);
        parameters.setDate(Date.from(now));
        CertPathValidator.getInstance("PKIX")
            .validate(CertificateFactory.getInstance("X.509").generateCertPath(path), parameters);
        return path;
      } catch (GeneralSecurityException e) {
        // Perhaps a longer one does.
      }
    }
    throw new DamagedException(CERTIFICATE + " does not lead to " + ISSUERS);
  }

  /** What an authority cannot be read from. */
  static final class DamagedException extends Exception {
    private static final long serialVersionUID = 1L;

    DamagedException(String problem) {
      super(problem);
    }
  }

  private static void check(boolean holds, String problem) throws DamagedException {
    if (!holds) {
      throw new DamagedException(problem);
    }
  }

  private static byte[] value(Map<String, byte[]> data, String name) throws DamagedException {
    byte[] value = data.get(name);
    check(value != null && value.length > 0, name + " is missing");
    check(value.length <= LONGEST, name + " is larger than " + LONGEST + " bytes");
    return value;
  }

  /** At least one. */
  private static List<X509Certificate> certificates(Map<String, byte[]> data, String name)
      throws DamagedException {
    byte[] value = value(data, name);
    try {
      List<X509Certificate> certificates = Pem.certificates(value);
      check(!certificates.isEmpty(), name + " is not a certificate in PEM");
      return certificates;
    } catch (CertificateException e) {
      throw new DamagedException(name + " is not a certificate in PEM");
    }
  }

  private static X509Certificate authority(Map<String, byte[]> data, String name)
      throws DamagedException {
    List<X509Certificate> certificates = certificates(data, name);
    check(certificates.size() == 1, name + " is not one certificate");
    check(certificates.get(0).getBasicConstraints() >= 0, name + " is not that of an authority");
    return certificates.get(0);
  }

  private static PrivateKey key(Map<String, byte[]> data) throws DamagedException {
    try {
      return Pem.key(value(data, KEY));
    } catch (GeneralSecurityException e) {
      throw new DamagedException(KEY + " is " + e.getMessage());
    }
  }

  private static boolean belong(PrivateKey key, PublicKey to) {
    try {
      Signature signature = Signature.getInstance("SHA256withECDSA");
      signature.initSign(key);
      signature.update(PROBE);
      byte[] signed = signature.sign();
      signature.initVerify(to);
      signature.update(PROBE);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static boolean isSignedBy(X509Certificate certificate, PublicKey key) {
    try {
      certificate.verify(key);
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }
}
