package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.ByteOutput;
import dev.chaperone.policy.masking.HashBatch;
import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.Arrays;

/**
 * What masks work in: the bytes that came, the bytes that go, and where values stand. One for each
 * event loop, whose sessions take turns; nothing of what a session had in it is left to the next.
 */
final class MaskRoom {
  private static final int INITIAL_BYTES = 16 << 10;

  /** Larger arrays are let go after use. */
  private static final int MAX_KEPT_BYTES = 1 << 20;

  private static final FastThreadLocal<MaskRoom> ROOMS =
      new FastThreadLocal<>() {
        @Override
        protected MaskRoom initialValue() {
          return new MaskRoom();
        }
      };

  private final HashBatch hashes = new HashBatch();
  private byte[] in = new byte[INITIAL_BYTES];
  private int length;
  private ByteOutput out = new ByteOutput(INITIAL_BYTES);
  private int[] places = new int[INITIAL_BYTES / Integer.BYTES];

  /** The one of the current thread. */
  static MaskRoom current() {
    return ROOMS.get();
  }

  /** Takes in bytes; to be followed by {@link #clear}. */
  void take(ByteBuf buffer, int start, int count) {
    if (in.length < count) {
      in = new byte[Math.max(count, Math.min(2 * in.length, MAX_KEPT_BYTES))];
    }
    length = count;
    buffer.getBytes(start, in, 0, count);
  }

  /** What was taken in; only the first {@link #length()} bytes count. */
  byte[] in() {
    return in;
  }

  int length() {
    return length;
  }

  /** Takes what is to go; empty to begin with. */
  ByteOutput out() {
    return out;
  }

  HashBatch hashes() {
    return hashes;
  }

  /**
   * Room for numbers.
   *
   * @param count how many there must be room for, beside those that are there
   */
  int[] places(int count) {
    if (places.length < count) {
      places = Arrays.copyOf(places, Math.max(count, 2 * places.length));
    }
    return places;
  }

  /** Leaves nothing behind. */
  void clear() {
    if (in.length > MAX_KEPT_BYTES) {
      in = new byte[INITIAL_BYTES];
    } else {
      Arrays.fill(in, 0, length, (byte) 0);
    }
    length = 0;
    if (out.array().length > MAX_KEPT_BYTES) {
      out = new ByteOutput(INITIAL_BYTES);
    } else {
      Arrays.fill(out.array(), 0, out.length(), (byte) 0);
      out.clear();
    }
    if (places.length > MAX_KEPT_BYTES / Integer.BYTES) {
      places = new int[INITIAL_BYTES / Integer.BYTES];
    }
  }
}
