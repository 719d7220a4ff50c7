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
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** The public half of a recording's key: Ed25519 (RFC 8032), SubjectPublicKeyInfo in PEM. */
public final class PublicKeyFile {
  /** Where a recording keeps it, beside its segments. */
  public static final String NAME = "key.pub.pem";

  static final String ALGORITHM = "Ed25519";

  private static final int MAX_FILE_BYTES = 64 << 10;
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
    List<PublicKeyFile> keys = readAll(file);
    if (keys.size() != 1) {
      throw new IOException(file + ": is no public key in PEM");
    }
    return keys.get(0);
  }

  /**
   * Reads a file with one key or several, such as a store's present key and those before it.
   *
   * @throws IOException when it cannot be read or holds anything else
   */
  public static List<PublicKeyFile> readAll(Path file) throws IOException {
    byte[] content;
    try (InputStream in = Files.newInputStream(file)) {
      content = in.readNBytes(MAX_FILE_BYTES + 1);
    }
    if (content.length > MAX_FILE_BYTES) {
      throw new IOException(file + ": is no public key in PEM");
    }
    try {
      return parseAll(new String(content, StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw new IOException(file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Takes one key or several as text.
   *
   * @param pem one behind the other
   * @throws IOException when it is anything else
   */
  public static List<PublicKeyFile> parseAll(String pem) throws IOException {
    List<PublicKeyFile> keys = new ArrayList<>();
    String rest = pem.strip();
    do {
      int end = rest.indexOf(END);
      if (!rest.startsWith(BEGIN) || end < BEGIN.length()) {
        throw new IOException("is no public key in PEM");
      }
      try {
        keys.add(of(Base64.getMimeDecoder().decode(rest.substring(BEGIN.length(), end))));
      } catch (IOException | IllegalArgumentException e) {
        throw new IOException("is no public key of kind " + ALGORITHM, e);
      }
      rest = rest.substring(end + END.length()).strip();
    } while (!rest.isEmpty());
    return List.copyOf(keys);
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
