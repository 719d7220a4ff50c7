package dev.chaperone.operator.certificates;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Certificates and keys as text. */
final class Pem {
  private static final Base64.Encoder LINES =
      Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII));
  private static final Pattern KEY =
      Pattern.compile(
          "\\s*-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----\\s*");

  private Pem() {}

  static String certificates(List<X509Certificate> certificates) {
    StringBuilder text = new StringBuilder();
    for (X509Certificate certificate : certificates) {
      try {
        text.append(block("CERTIFICATE", certificate.getEncoded()));
      } catch (CertificateEncodingException e) {
        throw new IllegalStateException("a certificate can always be written", e);
      }
    }
    return text.toString();
  }

  static String key(PrivateKey key) {
    return block("PRIVATE KEY", key.getEncoded());
  }

  private static String block(String label, byte[] bytes) {
    return "-----BEGIN "
        + label
        + "-----\n"
        + LINES.encodeToString(bytes)
        + "\n-----END "
        + label
        + "-----\n";
  }

  /** All certificates of a text, in its order. */
  static List<X509Certificate> certificates(byte[] text) throws CertificateException {
    return CertificateFactory.getInstance("X.509")
        .generateCertificates(new ByteArrayInputStream(text))
        .stream()
        .map(X509Certificate.class::cast)
        .toList();
  }

  /** A key of an elliptic curve. Exceptions hold nothing of it. */
  static PrivateKey key(byte[] text) throws GeneralSecurityException {
    Matcher block = KEY.matcher(new String(text, StandardCharsets.US_ASCII));
    if (!block.matches()) {
      throw new GeneralSecurityException("no private key in PEM (PKCS #8)");
    }
    try {
      byte[] bytes = Base64.getMimeDecoder().decode(block.group(1));
      return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(bytes));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new GeneralSecurityException("no private key of an elliptic curve");
    }
  }
}
