package dev.chaperone.policy.masking;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * AES-CMAC (RFC 4493) of a value under a session's key, and a stream of numbers made from it. The
 * stream is made by SplitMix64 (Steele, Lea, Flood, 2014): whoever knows its output learns the hash
 * of that one value, and without the key a hash does not lead back to the value. Not thread-safe.
 *
 * <p>Values that are known in advance may be hashed together, which takes a fraction of the time:
 * {@link #begin}, {@link ValueMask#prepare} for each, {@link #compute}, then the masks in the same
 * order, then {@link #end}.
 */
public final class KeyedHash {
  static final int BYTES = 16;

  /** What AES takes at a time. */
  private static final int BLOCK_BYTES = 16;

  /** What is encrypted at a time of a long value. */
  private static final int CHUNK_BYTES = 4 << 10;

  /** The constant of RFC 4493 section 2.3. */
  private static final int RB = 0x87;

  /** Of SplitMix64, between two states. */
  private static final long STEP = 0x9E3779B97F4A7C15L;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private final Cipher chain;
  private final Cipher blocks;
  private final byte[] wholeLast;
  private final byte[] paddedLast;
  private final byte[] last = new byte[BLOCK_BYTES];
  private final byte[] hash = new byte[BYTES];
  private final byte[] number = new byte[Long.BYTES];
  private byte[] passed = new byte[BLOCK_BYTES];
  private long state;
  private HashBatch batch;

  /**
   * A hash under a key.
   *
   * @param key of AES: 16 or 32 bytes
   */
  @SuppressWarnings("InsecureCryptoUsage") // The block cipher itself, of which CMAC is made.
  KeyedHash(byte[] key) {
    try {
      SecretKeySpec aes = new SecretKeySpec(key, "AES");
      blocks = Cipher.getInstance("AES/ECB/NoPadding");
      blocks.init(Cipher.ENCRYPT_MODE, aes);
      chain = Cipher.getInstance("AES/CBC/NoPadding");
      chain.init(Cipher.ENCRYPT_MODE, aes, new IvParameterSpec(new byte[BLOCK_BYTES]));
      wholeLast = doubled(chain.doFinal(new byte[BLOCK_BYTES]));
      paddedLast = doubled(wholeLast);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** RFC 4493 section 2.3: shifted by one bit, and the constant where a bit fell out. */
  private static byte[] doubled(byte[] block) {
    byte[] doubled = new byte[BLOCK_BYTES];
    for (int i = 0; i < BLOCK_BYTES; i++) {
      int next = i + 1 < BLOCK_BYTES ? (block[i + 1] & 0xff) >> 7 : 0;
      doubled[i] = (byte) (block[i] << 1 | next);
    }
    if (block[0] < 0) {
      doubled[BLOCK_BYTES - 1] ^= (byte) RB;
    }
    return doubled;
  }

  /**
   * Begins to hash values together.
   *
   * @param room what to do it in; nobody else's until {@link #end}
   * @param values the array that holds them; not to be changed until then
   */
  public void begin(HashBatch room, byte[] values) {
    batch = room;
    batch.begin(values);
  }

  /** Names a value that is hashed with others. */
  void prepare(int offset, int length) {
    if (batch != null) {
      batch.add(offset, length);
    }
  }

  /** Hashes the values that were named. */
  public void compute() {
    try {
      batch.compute(blocks, wholeLast, paddedLast);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Done with these values. */
  public void end() {
    batch.end();
    batch = null;
  }

  /** The hash of a value; overwritten by the next one. */
  byte[] of(byte[] value, int offset, int length) {
    if (batch == null || !batch.take(value, offset, length, hash)) {
      single(value, offset, length);
    }
    state = (long) LONGS.get(hash, 0) ^ (long) LONGS.get(hash, Long.BYTES);
    return hash;
  }

  private void single(byte[] value, int offset, int length) {
    int before = length == 0 ? 0 : (length - 1) / BLOCK_BYTES * BLOCK_BYTES;
    int rest = length - before;
    System.arraycopy(value, offset + before, last, 0, rest);
    byte[] with = wholeLast;
    if (rest < BLOCK_BYTES) {
      last[rest] = (byte) 0x80;
      Arrays.fill(last, rest + 1, BLOCK_BYTES, (byte) 0);
      with = paddedLast;
    }
    for (int i = 0; i < BLOCK_BYTES; i += Long.BYTES) {
      LONGS.set(last, i, (long) LONGS.get(last, i) ^ (long) LONGS.get(with, i));
    }
    try {
      pass(value, offset, before);
      chain.doFinal(last, 0, BLOCK_BYTES, hash, 0);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Encrypts what stands before the last block; only the cipher's own state matters. */
  private void pass(byte[] value, int offset, int length) throws GeneralSecurityException {
    for (int at = 0; at < length; at += CHUNK_BYTES) {
      int count = Math.min(CHUNK_BYTES, length - at);
      if (passed.length < count) {
        passed = new byte[CHUNK_BYTES];
      }
      chain.update(value, offset + at, count, passed, 0);
    }
  }

  /** The hash of a number. */
  byte[] of(long value) {
    LONGS.set(number, 0, value);
    return of(number, 0, Long.BYTES);
  }

  /** What the stream of the last hash is made from, for {@link #number}. */
  long seed() {
    return state;
  }

  /** The number of a stream that stands at a place. */
  static long number(long seed, int place) {
    long z = seed + place * STEP;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** A number in {@code 0 .. bound - 1} from a random one. */
  static int below(long number, int bound) {
    return (int) (((number >>> 33) * bound) >>> 31);
  }

  /** The next number of the stream that the last hash began. */
  long next() {
    state += STEP;
    return number(state, 0);
  }

  /** The next number of the stream in {@code 0 .. bound - 1}. */
  long next(long bound) {
    return Long.remainderUnsigned(next(), bound);
  }
}
