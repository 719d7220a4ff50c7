package dev.chaperone.policy.masking;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/**
 * HMAC-SHA-256 (RFC 2104) of a value under a session's key, and a stream of numbers made from it.
 * The stream is made by SplitMix64 (Steele, Lea, Flood, 2014): whoever knows its output learns the
 * hash of that one value, and a hash does not lead back to the value. Not thread-safe.
 */
public final class KeyedHash {
  static final int BYTES = 32;

  /** What SHA-256 takes at a time; RFC 2104 calls it B. */
  private static final int BLOCK_BYTES = 64;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  /** Has taken the key already; what follows is taken by a copy. */
  private final MessageDigest inner;

  private final MessageDigest outer;
  private final byte[] hash = new byte[BYTES];
  private final byte[] number = new byte[Long.BYTES];
  private long state;

  /**
   * A hash under a key.
   *
   * @param key not longer than a block
   */
  KeyedHash(byte[] key) {
    inner = keyed(key, 0x36);
    outer = keyed(key, 0x5c);
  }

  private static MessageDigest keyed(byte[] key, int pad) {
    try {
      byte[] block = Arrays.copyOf(key, BLOCK_BYTES);
      for (int i = 0; i < block.length; i++) {
        block[i] ^= (byte) pad;
      }
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(block);
      Arrays.fill(block, (byte) 0);
      return digest;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The hash of a value; overwritten by the next one. */
  byte[] of(byte[] value, int offset, int length) {
    try {
      MessageDigest first = (MessageDigest) inner.clone();
      first.update(value, offset, length);
      first.digest(hash, 0, BYTES);
      MessageDigest second = (MessageDigest) outer.clone();
      second.update(hash);
      second.digest(hash, 0, BYTES);
    } catch (CloneNotSupportedException | DigestException e) {
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
    if (bound <= Integer.MAX_VALUE) {
      // A multiplication in place of a division, which a letter each would be too many of.
      return ((next() >>> 33) * bound) >>> 31;
    }
    return Long.remainderUnsigned(next(), bound);
  }
}
