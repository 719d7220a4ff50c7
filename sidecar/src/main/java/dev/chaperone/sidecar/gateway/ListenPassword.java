package dev.chaperone.sidecar.gateway;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * A password that clients must give to the gateway itself, for machines where other users reach the
 * loopback interface. Kept as a hash.
 */
public final class ListenPassword {
  private final byte[] hash;

  private ListenPassword(byte[] hash) {
    this.hash = hash;
  }

  /**
   * Reads the first line of a file.
   *
   * @throws IOException when it cannot be read or is empty
   */
  public static ListenPassword read(Path file) throws IOException {
    byte[] content = Files.readAllBytes(file);
    int length = 0;
    while (length < content.length && content[length] != '\n' && content[length] != '\r') {
      length++;
    }
    try {
      if (length == 0) {
        throw new IOException("the file is empty");
      }
      return new ListenPassword(sha256(content, length));
    } finally {
      Arrays.fill(content, (byte) 0);
    }
  }

  /** Compares in a time that does not depend on where a difference is. */
  public boolean matches(byte[] given) {
    return MessageDigest.isEqual(hash, sha256(given, given.length));
  }

  private static byte[] sha256(byte[] bytes, int length) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(bytes, 0, length);
      return digest.digest();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
