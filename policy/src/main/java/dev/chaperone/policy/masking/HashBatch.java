package dev.chaperone.policy.masking;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Cipher;

/**
 * Room in which the hashes of many values are worked out together: the first block of each, then
 * the second of those that have one. The cipher is called once for all of them, which costs less
 * than the encryption itself. What was in it is overwritten when it is done with, so that one room
 * serves all sessions of a thread. Not thread-safe.
 */
public final class HashBatch {
  /** Values beyond that are hashed one by one. */
  static final int MAX_VALUES = 512;

  /** So are longer ones, in bytes: few values would share a call. */
  static final int MAX_VALUE_BYTES = 256;

  private static final int BLOCK_BYTES = KeyedHash.BYTES;
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private final int[] offsets = new int[MAX_VALUES];
  private final int[] lengths = new int[MAX_VALUES];
  private final int[] open = new int[MAX_VALUES];
  private final byte[] blocks = new byte[MAX_VALUES * BLOCK_BYTES];
  private final byte[] encrypted = new byte[MAX_VALUES * BLOCK_BYTES];
  private final byte[] hashes = new byte[MAX_VALUES * BLOCK_BYTES];
  private final byte[] last = new byte[BLOCK_BYTES];
  private byte[] source;
  private int count;
  private int next;

  void begin(byte[] values) {
    source = values;
    count = 0;
    next = 0;
  }

  /** Adds a value of the array that was begun with; not one that has no room. */
  void add(int offset, int length) {
    if (count < MAX_VALUES && length <= MAX_VALUE_BYTES) {
      offsets[count] = offset;
      lengths[count] = length;
      count++;
    }
  }

  /**
   * Works out all hashes: RFC 4493 section 2.4.
   *
   * @param cipher the block cipher alone
   * @param wholeLast what is added to a last block of 16 bytes
   * @param paddedLast what is added to a shorter one
   */
  void compute(Cipher cipher, byte[] wholeLast, byte[] paddedLast) throws GeneralSecurityException {
    for (int i = 0; i < count; i++) {
      open[i] = i;
    }
    int left = count;
    for (int done = 0; left > 0; done += BLOCK_BYTES) {
      fill(left, done, wholeLast, paddedLast);
      cipher.update(blocks, 0, left * BLOCK_BYTES, encrypted, 0);
      left = sort(left, done);
    }
  }

  /** Adds the next block of each value that is not done to what came of the one before. */
  private void fill(int left, int done, byte[] wholeLast, byte[] paddedLast) {
    long wholeHigh = (long) LONGS.get(wholeLast, 0);
    long wholeLow = (long) LONGS.get(wholeLast, Long.BYTES);
    long paddedHigh = (long) LONGS.get(paddedLast, 0);
    long paddedLow = (long) LONGS.get(paddedLast, Long.BYTES);
    for (int i = 0; i < left; i++) {
      int value = open[i];
      int rest = lengths[value] - done;
      int from = offsets[value] + done;
      byte[] bytes = source;
      if (bytes.length - from < BLOCK_BYTES) {
        System.arraycopy(bytes, from, last, 0, rest);
        bytes = last;
        from = 0;
      }
      long high = (long) LONGS.get(bytes, from);
      long low = (long) LONGS.get(bytes, from + Long.BYTES);
      if (rest < BLOCK_BYTES) {
        high = padded(high, rest) ^ paddedHigh;
        low = padded(low, rest - Long.BYTES) ^ paddedLow;
      } else if (rest == BLOCK_BYTES) {
        high ^= wholeHigh;
        low ^= wholeLow;
      }
      int to = i * BLOCK_BYTES;
      if (done > 0) {
        high ^= (long) LONGS.get(blocks, to);
        low ^= (long) LONGS.get(blocks, to + Long.BYTES);
      }
      LONGS.set(blocks, to, high);
      LONGS.set(blocks, to + Long.BYTES, low);
    }
  }

  /** Puts away what is done; returns how many values are not, which move up. */
  private int sort(int left, int done) {
    int kept = 0;
    for (int i = 0; i < left; i++) {
      int value = open[i];
      if (lengths[value] - done > BLOCK_BYTES) {
        copy(encrypted, i, blocks, kept);
        open[kept++] = value;
      } else {
        copy(encrypted, i, hashes, value);
      }
    }
    return kept;
  }

  /** The first bytes of eight, then one bit, then nothing. */
  private static long padded(long bytes, int rest) {
    if (rest >= Long.BYTES) {
      return bytes;
    }
    if (rest < 0) {
      return 0;
    }
    long bit = 1L << (63 - 8 * rest);
    return (bytes & ~((bit << 1) - 1)) | bit;
  }

  private static void copy(byte[] from, int block, byte[] to, int toBlock) {
    int at = block * BLOCK_BYTES;
    int toAt = toBlock * BLOCK_BYTES;
    LONGS.set(to, toAt, (long) LONGS.get(from, at));
    LONGS.set(to, toAt + Long.BYTES, (long) LONGS.get(from, at + Long.BYTES));
  }

  /**
   * Takes the hash of the next value that was added.
   *
   * @return whether it is this one; if not, nothing was written
   */
  boolean take(byte[] value, int offset, int length, byte[] hash) {
    if (next == count || value != source || offsets[next] != offset || lengths[next] != length) {
      return false;
    }
    copy(hashes, next, hash, 0);
    next++;
    return true;
  }

  /** Forgets all values and hashes. */
  void end() {
    int used = count * BLOCK_BYTES;
    Arrays.fill(blocks, 0, used, (byte) 0);
    Arrays.fill(encrypted, 0, used, (byte) 0);
    Arrays.fill(hashes, 0, used, (byte) 0);
    Arrays.fill(last, (byte) 0);
    begin(null);
  }
}
