package dev.chaperone.recording;

import java.util.Arrays;

/** What is known of the last events, as many as a checkpoint may lag behind. Grows as needed. */
final class RecentEvents {
  private static final int MOST = Format.MAX_CHECKPOINT_LAG + 1;

  private byte[] hashes = new byte[64 * Format.HASH_BYTES];
  private long[] plainCounts = new long[64];

  /**
   * Takes note of an event.
   *
   * @param event its number; each one follows the one before
   * @param plain how many of the events up to it were no checkpoints
   */
  void add(long event, Bytes hash, long plain) {
    if (event >= plainCounts.length && plainCounts.length < MOST) {
      // Nothing was overwritten yet: every event stands at its own number.
      int capacity = Math.min(MOST, plainCounts.length * 2);
      hashes = Arrays.copyOf(hashes, capacity * Format.HASH_BYTES);
      plainCounts = Arrays.copyOf(plainCounts, capacity);
    }
    int slot = slot(event);
    System.arraycopy(hash.array(), 0, hashes, slot * Format.HASH_BYTES, Format.HASH_BYTES);
    plainCounts[slot] = plain;
  }

  Bytes hash(long event) {
    return Bytes.copy(hashes, slot(event) * Format.HASH_BYTES, Format.HASH_BYTES);
  }

  long plain(long event) {
    return plainCounts[slot(event)];
  }

  private int slot(long event) {
    return (int) (event % plainCounts.length);
  }
}
