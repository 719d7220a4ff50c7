package dev.chaperone.control.translation;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/** Certificates and keys as text; RFC 7468. */
final class Pem {
  private static final String BEGIN = "-----BEGIN ";
  private static final String END = "-----END ";
  private static final String DASHES = "-----";
  private static final List<String> KEY_ALGORITHMS = List.of("RSA", "EC", "EdDSA", "RSASSA-PSS");

  /** One block of a text. */
  private record Block(String label, String content) {}

  private Pem() {}

  /** All certificates of a text, in its order; at least one. */
  static List<X509Certificate> certificates(byte[] text) throws PemException {
    List<X509Certificate> certificates = new ArrayList<>();
    for (Block block : blocks(text)) {
      if (block.label().equals("CERTIFICATE")) {
        try {
          certificates.add(
              (X509Certificate)
                  CertificateFactory.getInstance("X.509")
                      .generateCertificate(new ByteArrayInputStream(decode(block))));
        } catch (CertificateException | IllegalArgumentException e) {
          throw new PemException("has a certificate that cannot be read");
        }
      }
    }
    if (certificates.isEmpty()) {
      throw new PemException("has no certificate in PEM");
    }
    return certificates;
  }

  /**
   * The first private key of a text.
   *
   * @param of what it should be the key of; keys in the older formats do not say for themselves
   *     which algorithm they are for
   */
  static PrivateKey privateKey(byte[] text, PublicKey of) throws PemException {
    for (Block block : blocks(text)) {
      if (block.label().endsWith("PRIVATE KEY")) {
        // The older formats say it in a header; RFC 1421, section 4.6.1.1.
        if (block.label().startsWith("ENCRYPTED") || block.content().contains("Proc-Type:")) {
          throw new PemException(
              "is encrypted; store it without a passphrase (openssl pkcs8 -topk8 -nocrypt)");
        }
        return privateKey(block, of);
      }
    }
    throw new PemException("has no private key in PEM");
  }

  private static PrivateKey privateKey(Block block, PublicKey of) throws PemException {
    byte[] decoded = {};
    byte[] pkcs8 = {};
    try {
      decoded = decode(block);
      boolean older =
          block.label().equals("RSA PRIVATE KEY") || block.label().equals("EC PRIVATE KEY");
      pkcs8 = older ? pkcs8(decoded, of) : decoded.clone();
      for (String algorithm : KEY_ALGORITHMS) {
        try {
          return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        } catch (GeneralSecurityException e) {
          // It is for another algorithm.
        }
      }
    } catch (IllegalArgumentException e) {
      // Not base64: said below.
    } finally {
      Arrays.fill(decoded, (byte) 0);
      Arrays.fill(pkcs8, (byte) 0);
    }
    throw new PemException(
        "is no private key that can be used; use RSA, EC (P-256, P-384, P-521) or Ed25519");
  }

  /**
   * PKCS #1 (RFC 8017, A.1.2) and SEC 1 (RFC 5915) are what is inside of a PKCS #8 key (RFC 5208,
   * section 5), without the name of the algorithm: that is taken from the public key.
   */
  private static byte[] pkcs8(byte[] key, PublicKey of) {
    byte[] version = {0x02, 0x01, 0x00};
    return der(0x30, version, algorithm(of.getEncoded()), der(0x04, key));
  }

  /** The first part of a SubjectPublicKeyInfo (RFC 5280, section 4.1), as Java has made it. */
  private static byte[] algorithm(byte[] publicKey) {
    int start = contentOf(publicKey, 0);
    int content = contentOf(publicKey, start);
    return Arrays.copyOfRange(publicKey, start, content + lengthOf(publicKey, start));
  }

  private static int contentOf(byte[] der, int element) {
    int first = der[element + 1] & 0xff;
    return element + 2 + (first < 0x80 ? 0 : first & 0x7f);
  }

  private static int lengthOf(byte[] der, int element) {
    int first = der[element + 1] & 0xff;
    if (first < 0x80) {
      return first;
    }
    int length = 0;
    for (int i = element + 2; i < contentOf(der, element); i++) {
      length = (length << 8) | (der[i] & 0xff);
    }
    return length;
  }

  private static byte[] der(int tag, byte[]... parts) {
    int length = Arrays.stream(parts).mapToInt(part -> part.length).sum();
    ByteArrayOutputStream out = new ByteArrayOutputStream(length + 6);
    out.write(tag);
    if (length < 0x80) {
      out.write(length);
    } else {
      int bytes = (Integer.SIZE - Integer.numberOfLeadingZeros(length) + 7) / Byte.SIZE;
      out.write(0x80 | bytes);
      for (int i = bytes - 1; i >= 0; i--) {
        out.write(length >>> (i * Byte.SIZE));
      }
    }
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  private static byte[] decode(Block block) {
    return Base64.getDecoder().decode(block.content().replaceAll("\\s", ""));
  }

  private static List<Block> blocks(byte[] bytes) throws PemException {
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    List<Block> blocks = new ArrayList<>();
    int begin = text.indexOf(BEGIN);
    while (begin >= 0) {
      int labelEnd = text.indexOf(DASHES, begin + BEGIN.length());
      String label = labelEnd < 0 ? "" : text.substring(begin + BEGIN.length(), labelEnd);
      String end = END + label + DASHES;
      int blockEnd = labelEnd < 0 ? -1 : text.indexOf(end, labelEnd + DASHES.length());
      if (blockEnd < 0) {
        throw new PemException("is PEM that ends too early");
      }
      blocks.add(new Block(label, text.substring(labelEnd + DASHES.length(), blockEnd)));
      begin = text.indexOf(BEGIN, blockEnd + end.length());
    }
    return blocks;
  }
}
