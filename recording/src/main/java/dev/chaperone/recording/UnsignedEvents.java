package dev.chaperone.recording;

import java.util.Arrays;
import java.util.Optional;

/**
 * The hashes of the events that a checkpoint may still come to cover: those behind the last one
 * that was covered, as many as a checkpoint may lag behind. Grows as needed.
 */
final class UnsignedEvents {
  private static final int MOST = Format.MAX_CHECKPOINT_LAG + 1;

  private byte[] hashes = new byte[64 * Format.HASH_BYTES];
  private long first = 1;
  private int count;

  /** Takes note of an event; each follows the one before, but for the first one. */
  void add(long event, Bytes hash) {
    if (count == 0) {
      first = event;
    }
    if (count == MOST) {
      dropUpTo(first);
    }
    if ((count + 1) * Format.HASH_BYTES > hashes.length) {
      hashes = Arrays.copyOf(hashes, Math.min(MOST * Format.HASH_BYTES, 2 * hashes.length));
    }
    System.arraycopy(hash.array(), 0, hashes, count * Format.HASH_BYTES, Format.HASH_BYTES);
    count++;
  }

  /** The hash of an event; empty where it is none of these. */
  Optional<Bytes> hash(long event) {
    return event < first || event >= first + count
        ? Optional.empty()
        : Optional.of(
            Bytes.copy(hashes, (int) (event - first) * Format.HASH_BYTES, Format.HASH_BYTES));
  }

  /** The events up to this one are covered. */
  void dropUpTo(long event) {
    int dropped = (int) Math.max(0, Math.min(count, event - first + 1));
    System.arraycopy(
        hashes, dropped * Format.HASH_BYTES, hashes, 0, (count - dropped) * Format.HASH_BYTES);
    first += dropped;
    count -= dropped;
  }

  /** How much memory it takes, in bytes. */
  int memory() {
    return hashes.length;
  }
}
