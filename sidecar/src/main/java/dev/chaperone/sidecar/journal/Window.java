package dev.chaperone.sidecar.journal;

import dev.chaperone.recording.Space;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.util.Arrays;

/**
 * A part of a segment's file, mapped into memory. Each window overlaps the next one by the longest
 * frame: a frame belongs to the window it begins in.
 */
final class Window {
  /** From the beginning of one window to the beginning of the next, in bytes. */
  static final int BYTES = 1 << 20;

  /** What is mapped, in bytes. */
  static final int MAPPED_BYTES = BYTES + Space.MAX_FRAME_BYTES;

  /** The last bytes of a frame; never all the same. */
  private static final int HASH_BYTES = 32;

  private static final int PAGE_BYTES = 4 << 10;

  private static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle NATIVE_INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  private final MappedByteBuffer memory;
  private final long start;
  private final byte[] readBack = new byte[Integer.BYTES + HASH_BYTES];

  /**
   * @param start where in the file it begins
   */
  Window(MappedByteBuffer memory, long start) {
    this.memory = memory;
    this.start = start;
  }

  /** Whether a frame may begin at that position of the file. */
  boolean holds(long position) {
    return position - start < BYTES;
  }

  /** How much may still begin in it from a position on, in bytes. */
  long remaining(long position) {
    return Math.max(0, start + BYTES - position);
  }

  /**
   * Writes a frame; its first four bytes, the length, become visible last.
   *
   * @return whether it is there: memory may be gone because the file was cut off or the disk failed
   *     below it. The runtime reports that with an InternalError, but at some later time
   */
  boolean putFrame(long position, byte[] frame, int length) {
    int index = (int) (position - start);
    memory.put(index + Integer.BYTES, frame, Integer.BYTES, length - Integer.BYTES);
    INT.setRelease(memory, index, length);
    Arrays.fill(readBack, (byte) 0);
    memory.get(index, readBack, 0, Integer.BYTES);
    memory.get(index + length - HASH_BYTES, readBack, Integer.BYTES, HASH_BYTES);
    return Arrays.equals(readBack, 0, Integer.BYTES, frame, 0, Integer.BYTES)
        && Arrays.equals(
            readBack, Integer.BYTES, readBack.length, frame, length - HASH_BYTES, length);
  }

  /** Writes a segment's header; its first eight bytes become visible last. */
  void putHeader(byte[] header) {
    memory.put(Long.BYTES, header, Long.BYTES, header.length - Long.BYTES);
    LONG.setRelease(memory, 0, java.nio.ByteBuffer.wrap(header).getLong());
  }

  /**
   * Makes the pages up to a position count as changed, whatever became of them: after an error the
   * kernel takes pages for written that are not.
   */
  void touch(long position) {
    int end = (int) Math.min(MAPPED_BYTES, Math.max(0, position - start));
    for (int page = 0; page < end; page += PAGE_BYTES) {
      NATIVE_INT.getAndAdd(memory, page, 0);
    }
  }

  void unmap() {
    MappedMemory.unmap(memory);
  }
}
