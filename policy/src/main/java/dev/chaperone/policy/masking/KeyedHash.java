package dev.chaperone.policy.masking;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.ShortBufferException;
import javax.crypto.spec.SecretKeySpec;

/**
 * HMAC-SHA-256 of a value under a session's key, and a stream of numbers made from it. The stream
 * is made by SplitMix64 (Steele, Lea, Flood, 2014): whoever knows its output learns the hash of
 * that one value, and a hash does not lead back to the value. Not thread-safe.
 */
public final class KeyedHash {
  static final String ALGORITHM = "HmacSHA256";
  static final int BYTES = 32;
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private final Mac mac;
  private final byte[] hash = new byte[BYTES];
  private final byte[] number = new byte[Long.BYTES];
  private long state;

  KeyedHash(SecretKeySpec key) {
    try {
      mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The hash of a value; overwritten by the next one. */
  byte[] of(byte[] value, int offset, int length) {
    mac.update(value, offset, length);
    try {
      mac.doFinal(hash, 0);
    } catch (ShortBufferException e) {
      throw new IllegalStateException(e);
    }
    state = (long) LONGS.get(hash, 0) ^ (long) LONGS.get(hash, 16);
    return hash;
  }

  /** The hash of a number. */
  byte[] of(long value) {
    LONGS.set(number, 0, value);
    return of(number, 0, Long.BYTES);
  }

  /** The next number of the stream that the last hash began. */
  long next() {
    state += 0x9E3779B97F4A7C15L;
    long z = state;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** The next number of the stream in {@code 0 .. bound - 1}. */
  long next(long bound) {
    return Long.remainderUnsigned(next(), bound);
  }
}
