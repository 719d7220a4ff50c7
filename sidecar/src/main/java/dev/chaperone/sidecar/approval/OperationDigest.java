package dev.chaperone.sidecar.approval;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What an approval is bound to, as one number: everything that says what an operation would do,
 * each piece with its length in front, so that no two operations give the same.
 *
 * <p>It is keyed with a secret of the session, since it is shown: without the key, somebody who
 * reads a request could try all values of a short parameter until the digest fits.
 */
public final class OperationDigest {
  private static final String ALGORITHM = "HmacSHA256";

  private final Mac mac;

  /**
   * Begins a digest.
   *
   * @param key the session's, at least 32 bytes
   */
  public OperationDigest(byte[] key) {
    try {
      mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(key, ALGORITHM));
    } catch (NoSuchAlgorithmException | InvalidKeyException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Adds a text. */
  public OperationDigest add(String text) {
    return add(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Adds bytes. */
  public OperationDigest add(byte[] bytes) {
    add(bytes.length);
    mac.update(bytes);
    return this;
  }

  /** Adds a number. */
  public OperationDigest add(long number) {
    mac.update(ByteBuffer.allocate(Long.BYTES).putLong(number).array());
    return this;
  }

  /** The digest, as resources write it; nothing can be added any more. */
  public String finish() {
    return "sha256:" + HexFormat.of().formatHex(mac.doFinal());
  }
}
