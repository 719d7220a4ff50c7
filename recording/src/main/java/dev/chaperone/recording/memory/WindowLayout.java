package dev.chaperone.recording.memory;

import dev.chaperone.recording.Space;

/**
 * The file of a window: a part of one segment until that is on the disk. Integers are big-endian.
 *
 * <pre>
 *    0   8  {@link #IN_USE} while it holds something; written last
 *    8   8  number of the segment
 *   16   8  where in the segment it begins, in bytes
 *   64      bytes of the segment; zeros behind them
 * </pre>
 */
public final class WindowLayout {
  /** {@code CHAPWIN1}. */
  public static final long IN_USE = 0x43_48_41_50_57_49_4e_31L;

  /** Where the number of the segment stands. */
  public static final int SEGMENT = 8;

  /** Where it says where in the segment it begins. */
  public static final int START = 16;

  /** Where the bytes of the segment stand. */
  public static final int DATA = 64;

  /** A frame may begin in so much of them, in bytes. */
  public static final int FRAME_BEGINS = 512 << 10;

  /** How long the file is, in bytes: a frame that begins late still fits. */
  public static final int FILE_BYTES = DATA + FRAME_BEGINS + Space.MAX_FRAME_BYTES;

  private WindowLayout() {}
}
