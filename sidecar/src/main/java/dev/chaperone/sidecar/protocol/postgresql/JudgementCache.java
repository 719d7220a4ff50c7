package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.SqlSkeleton;
import io.netty.buffer.ByteBuf;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Judgements by text, at two levels: the exact bytes, then the bytes without literals, for those
 * judgements that no literal can change. A hit is a hit only where all bytes are the same.
 *
 * <p>Bounded: when a level is full its older half is forgotten. Used by one event loop.
 */
final class JudgementCache {
  /** Longer texts are judged each time, in bytes. */
  static final int MAX_TEXT_BYTES = 16 << 10;

  private static final int ENTRIES_PER_GENERATION = 1024;

  private final Level exact = new Level();
  private final Level withoutLiterals = new Level();
  private byte[] text = new byte[1024];
  private byte[] skeleton = new byte[1024];

  /** The judgement of these bytes, or null. */
  Judgement find(ByteBuf buffer, int start, int length) {
    if (length > MAX_TEXT_BYTES) {
      return null;
    }
    if (text.length < length) {
      text = new byte[MAX_TEXT_BYTES];
      skeleton = new byte[MAX_TEXT_BYTES];
    }
    buffer.getBytes(start, text, 0, length);
    Judgement judgement = exact.find(text, length);
    if (judgement != null) {
      return judgement;
    }
    int skeletonLength = SqlSkeleton.write(text, 0, length, skeleton);
    return skeletonLength < 0 ? null : withoutLiterals.find(skeleton, skeletonLength);
  }

  /** Keeps a judgement where it may be used again. */
  void put(byte[] judgedText, Judgement judgement) {
    if (judgedText.length > MAX_TEXT_BYTES || !judgement.isReusable()) {
      return;
    }
    if (judgement.coversOtherLiterals()) {
      byte[] out = new byte[judgedText.length];
      int length = SqlSkeleton.write(judgedText, 0, judgedText.length, out);
      if (length >= 0) {
        withoutLiterals.put(Arrays.copyOf(out, length), judgement);
        return;
      }
    }
    exact.put(judgedText, judgement);
  }

  /** Two generations of a hash table with open addressing. */
  private static final class Level {
    private static final VarHandle LONGS =
        MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int SLOTS = ENTRIES_PER_GENERATION * 2;
    private static final int MAX_PROBES = 32;

    private static final class Slot {
      private final long hash;
      private final byte[] key;
      private final Judgement judgement;

      Slot(long hash, byte[] key, Judgement judgement) {
        this.hash = hash;
        this.key = key;
        this.judgement = judgement;
      }
    }

    private final long seed = ThreadLocalRandom.current().nextLong();
    private Slot[] young = new Slot[SLOTS];
    private Slot[] old = new Slot[0];
    private int youngSize;

    Judgement find(byte[] key, int length) {
      long hash = hash(key, length);
      Slot slot = probe(young, hash, key, length);
      if (slot != null) {
        return slot.judgement;
      }
      slot = old.length == 0 ? null : probe(old, hash, key, length);
      if (slot == null) {
        return null;
      }
      insert(slot);
      return slot.judgement;
    }

    void put(byte[] key, Judgement judgement) {
      insert(new Slot(hash(key, key.length), key, judgement));
    }

    private void insert(Slot slot) {
      if (youngSize >= ENTRIES_PER_GENERATION) {
        old = young;
        young = new Slot[SLOTS];
        youngSize = 0;
      }
      int index = (int) slot.hash & (SLOTS - 1);
      for (int i = 0; i < MAX_PROBES; i++, index = (index + 1) & (SLOTS - 1)) {
        Slot there = young[index];
        boolean same =
            there != null && there.hash == slot.hash && Arrays.equals(there.key, slot.key);
        if (there == null || same) {
          young[index] = slot;
          youngSize += same ? 0 : 1;
          return;
        }
      }
    }

    private static Slot probe(Slot[] slots, long hash, byte[] key, int length) {
      int index = (int) hash & (SLOTS - 1);
      for (int i = 0; i < MAX_PROBES; i++, index = (index + 1) & (SLOTS - 1)) {
        Slot slot = slots[index];
        if (slot == null) {
          return null;
        }
        if (slot.hash == hash
            && slot.key.length == length
            && Arrays.equals(slot.key, 0, length, key, 0, length)) {
          return slot;
        }
      }
      return null;
    }

    private long hash(byte[] key, int length) {
      long hash = seed + length;
      int i = 0;
      for (; i + Long.BYTES <= length; i += Long.BYTES) {
        hash = mix(hash ^ (long) LONGS.get(key, i));
      }
      long rest = 0;
      for (; i < length; i++) {
        rest = rest << 8 | (key[i] & 0xff);
      }
      return mix(hash ^ rest);
    }

    private static long mix(long value) {
      long h = value * 0x9E3779B97F4A7C15L;
      return h ^ (h >>> 29);
    }
  }
}
