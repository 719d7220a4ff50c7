package dev.chaperone.operator.certificates;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** The authority as the keys of a Secret, and back. */
final class AuthoritySecret {
  static final String CERTIFICATE = "tls.crt";
  static final String KEY = "tls.key";
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

  private static final class DamagedException extends Exception {
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

  private static X509Certificate authority(Map<String, byte[]> data, String name)
      throws DamagedException {
    byte[] value = value(data, name);
    List<X509Certificate> certificates;
    try {
      certificates = Pem.certificates(value);
    } catch (CertificateException e) {
      throw new DamagedException(name + " is not a certificate in PEM");
    }
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
