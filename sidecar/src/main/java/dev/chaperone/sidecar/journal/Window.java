package dev.chaperone.sidecar.journal;

import dev.chaperone.recording.memory.WindowLayout;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.EnumSet;

/**
 * Memory that events are written to, and that outlives the process: a file of a file system that is
 * memory itself, so that no store into it ever waits for a disk. Holds a part of one segment until
 * that is on the disk; laid out as {@link WindowLayout} says.
 */
final class Window {
  /** A frame may begin in so much of it, in bytes. */
  static final int BYTES = WindowLayout.FRAME_BEGINS;

  static final int FILE_BYTES = WindowLayout.FILE_BYTES;
  private static final int DATA = WindowLayout.DATA;

  /** The last bytes of a frame; never all the same. */
  private static final int HASH_BYTES = 32;

  private static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final byte[] ZEROS = new byte[16 << 10];

  private final Path path;
  private final MappedByteBuffer memory;
  private final byte[] readBack = new byte[Integer.BYTES + HASH_BYTES];

  private SegmentFile target;
  private long start;
  private long end;

  // Of the forcer alone: how far it is in the target's file, and on the disk.
  private long copied;
  private long forced;

  private Window(Path path, MappedByteBuffer memory) {
    this.path = path;
    this.memory = memory;
  }

  /**
   * Makes one. Room is made by writing zeros, so that memory that is not there is an error here and
   * not when it is stored to.
   */
  static Window create(Path path) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            path,
            EnumSet.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      ByteBuffer zeros = ByteBuffer.allocate(ZEROS.length);
      for (int at = 0; at < FILE_BYTES; at += zeros.position()) {
        zeros.clear().limit(Math.min(zeros.capacity(), FILE_BYTES - at));
        while (zeros.hasRemaining()) {
          channel.write(zeros, at + zeros.position());
        }
      }
      return new Window(path, channel.map(FileChannel.MapMode.READ_WRITE, 0, FILE_BYTES));
    } catch (IOException e) {
      Files.deleteIfExists(path);
      throw e;
    }
  }

  /** It takes what comes in a segment from a position on. */
  void begin(SegmentFile segment, long position) {
    target = segment;
    start = position;
    end = position;
    copied = position;
    forced = position;
    memory.putLong(WindowLayout.SEGMENT, segment.number());
    memory.putLong(WindowLayout.START, position);
    LONG.setRelease(memory, 0, WindowLayout.IN_USE);
  }

  /** Where it ends up. */
  SegmentFile target() {
    return target;
  }

  /** How far the segment goes in it. */
  long end() {
    return end;
  }

  /** Whether a frame may begin behind what it holds. */
  boolean isOpen() {
    return end - start < BYTES;
  }

  /** How far the segment can go in it at most. */
  long limit() {
    return start + FILE_BYTES - DATA;
  }

  /** How much may still begin in it, in bytes. */
  long remaining() {
    return Math.max(0, start + BYTES - end);
  }

  /**
   * Writes a frame; its first four bytes, the length, become visible last.
   *
   * @return whether it is there: memory may be gone because somebody cut the file off. The runtime
   *     reports that with an InternalError, but at some later time
   */
  boolean putFrame(byte[] frame, int length) {
    int index = index(end);
    memory.put(index + Integer.BYTES, frame, Integer.BYTES, length - Integer.BYTES);
    INT.setRelease(memory, index, length);
    end += length;
    Arrays.fill(readBack, (byte) 0);
    memory.get(index, readBack, 0, Integer.BYTES);
    memory.get(index + length - HASH_BYTES, readBack, Integer.BYTES, HASH_BYTES);
    return Arrays.equals(readBack, 0, Integer.BYTES, frame, 0, Integer.BYTES)
        && Arrays.equals(
            readBack, Integer.BYTES, readBack.length, frame, length - HASH_BYTES, length);
  }

  /** Writes a segment's header; its first eight bytes become visible last. */
  void putHeader(byte[] header) {
    int index = index(end);
    memory.put(index + Long.BYTES, header, Long.BYTES, header.length - Long.BYTES);
    LONG.setRelease(memory, index, ByteBuffer.wrap(header).getLong());
    end += header.length;
  }

  private int index(long position) {
    return DATA + (int) (position - start);
  }

  /** Copies what is not copied yet, up to a position, to the target's file. */
  void copyTo(long position) throws IOException {
    if (position > copied) {
      target.write(memory.slice(index(copied), (int) (position - copied)), copied);
      copied = position;
    }
  }

  /** What was copied is on the disk. */
  void forced() {
    forced = copied;
  }

  /** What was copied may not be on the disk: it is copied again. */
  void notForced() {
    copied = forced;
  }

  /** Makes it empty; what it held is on the disk. */
  void clear() {
    LONG.setRelease(memory, 0, 0L);
    int used = index(end);
    for (int at = 8; at < used; at += ZEROS.length) {
      memory.put(at, ZEROS, 0, Math.min(ZEROS.length, used - at));
    }
    target = null;
  }

  /** Gives it back; what it held is on the disk. */
  void delete() {
    MappedMemory.unmap(memory);
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      // It is looked for again by the next run.
    }
  }
}
