package dev.chaperone.policy.masking;

import java.security.SecureRandom;

/**
 * What the masks of one session are keyed with: the same value gives the same result within a
 * session and another one in the next. Thread-safe.
 */
public final class MaskKey {
  private static final int BYTES = 32;

  private final byte[] key;

  MaskKey(byte[] key) {
    this.key = key;
  }

  /** A key that nobody knows. */
  public static MaskKey random() {
    byte[] bytes = new byte[BYTES];
    new SecureRandom().nextBytes(bytes);
    return new MaskKey(bytes);
  }

  /** A hash under this key, for use by one thread. */
  public KeyedHash newHash() {
    return new KeyedHash(key);
  }

  @Override
  public String toString() {
    return "MaskKey[(secret)]";
  }
}
