package dev.chaperone.sidecar.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;

/**
 * The file of a segment while it is written. Room is made by writing zeros, so that a disk without
 * room says so here, as an error, and not when memory is written to.
 */
final class SegmentFile {
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(64 << 10).asReadOnlyBuffer();

  private final FileChannel channel;
  private long prepared;
  private long mapped;

  private SegmentFile(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Makes the file, or takes one that was made and never begun.
   *
   * @throws IOException when it cannot be made
   */
  static SegmentFile create(Path file) throws IOException {
    return new SegmentFile(
        FileChannel.open(
            file,
            EnumSet.of(
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))));
  }

  /** Makes room for the next window and maps it. Used by one thread. */
  Window extend() throws IOException {
    long end = mapped + Window.MAPPED_BYTES;
    while (prepared < end) {
      ByteBuffer zeros = ZEROS.duplicate();
      zeros.limit((int) Math.min(zeros.capacity(), end - prepared));
      prepared += channel.write(zeros, prepared);
    }
    Window window =
        new Window(
            channel.map(FileChannel.MapMode.READ_WRITE, mapped, Window.MAPPED_BYTES), mapped);
    mapped += Window.BYTES;
    return window;
  }

  /** Waits until what was written is on the disk. */
  void force() throws IOException {
    channel.force(false);
  }

  /** Cuts the file to what was written and closes it; no window of it may be mapped any more. */
  void finish(long length) throws IOException {
    if (channel.size() > length) {
      channel.truncate(length);
    }
    channel.force(true);
    channel.close();
  }

  /** Gives it up. */
  void abandon() {
    try {
      channel.close();
    } catch (IOException e) {
      // Nothing depends on it.
    }
  }
}
