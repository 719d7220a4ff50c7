package dev.chaperone.recording;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;

/** The public half of a recording's key: Ed25519 (RFC 8032), SubjectPublicKeyInfo in PEM. */
public final class PublicKeyFile {
  /** Where a recording keeps it, beside its segments. */
  public static final String NAME = "key.pub.pem";

  static final String ALGORITHM = "Ed25519";

  private static final int MAX_FILE_BYTES = 4 << 10;
  private static final String BEGIN = "-----BEGIN PUBLIC KEY-----";
  private static final String END = "-----END PUBLIC KEY-----";

  private final PublicKey key;
  private final Bytes id;

  PublicKeyFile(PublicKey key) {
    this.key = key;
    this.id = Bytes.of(Format.sha256().digest(key.getEncoded()));
  }

  /**
   * Reads a file.
   *
   * @throws IOException when it cannot be read or holds no such key
   */
  public static PublicKeyFile read(Path file) throws IOException {
    byte[] content;
    try (InputStream in = Files.newInputStream(file)) {
      content = in.readNBytes(MAX_FILE_BYTES + 1);
    }
    String pem = new String(content, StandardCharsets.US_ASCII).strip();
    if (content.length > MAX_FILE_BYTES || !pem.startsWith(BEGIN) || !pem.endsWith(END)) {
      throw new IOException(file + ": is no public key in PEM");
    }
    try {
      byte[] der =
          Base64.getMimeDecoder()
              .decode(pem.substring(BEGIN.length(), pem.length() - END.length()));
      return new PublicKeyFile(
          KeyFactory.getInstance(ALGORITHM).generatePublic(new X509EncodedKeySpec(der)));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new IOException(file + ": is no public key of kind " + ALGORITHM, e);
    }
  }

  /**
   * Takes a key as it travels.
   *
   * @param encoded SubjectPublicKeyInfo (DER)
   * @throws IOException when it is no such key
   */
  public static PublicKeyFile of(byte[] encoded) throws IOException {
    try {
      return new PublicKeyFile(
          KeyFactory.getInstance(ALGORITHM).generatePublic(new X509EncodedKeySpec(encoded)));
    } catch (GeneralSecurityException e) {
      throw new IOException("this is no public key of kind " + ALGORITHM, e);
    }
  }

  /** As it travels: SubjectPublicKeyInfo (DER). */
  public byte[] encoded() {
    return key.getEncoded();
  }

  /** As text, in PEM. */
  public String pem() {
    return BEGIN
        + "\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key.getEncoded())
        + "\n"
        + END
        + "\n";
  }

  /** Which key it is: SHA-256 of its encoded form. */
  public Bytes id() {
    return id;
  }

  boolean verifies(byte[] message, Bytes signature) {
    try {
      Signature verifier = Signature.getInstance(ALGORITHM);
      verifier.initVerify(key);
      verifier.update(message);
      return verifier.verify(signature.array());
    } catch (GeneralSecurityException e) {
      return false;
    }
  }
}
