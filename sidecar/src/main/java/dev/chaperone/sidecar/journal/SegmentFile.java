package dev.chaperone.sidecar.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;

/**
 * The file of a segment while it is written. Room is made ahead by writing zeros, so that a disk
 * without room says so before anything is accepted that belongs there. Used by the journal's own
 * threads, which may wait.
 */
final class SegmentFile {
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(64 << 10).asReadOnlyBuffer();

  private final int number;
  private final FileChannel channel;

  /** Of the preparer alone. */
  private long reserved;

  /** Nothing more comes; guarded by the session's lock. */
  private boolean complete;

  private SegmentFile(int number, FileChannel channel) {
    this.number = number;
    this.channel = channel;
  }

  /**
   * Makes the file, or takes one that is there.
   *
   * @param number of the segment
   * @throws IOException when it cannot be made
   */
  static SegmentFile open(Path file, int number) throws IOException {
    return new SegmentFile(
        number,
        FileChannel.open(
            file,
            EnumSet.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))));
  }

  int number() {
    return number;
  }

  /** All of it was written to windows. */
  void complete() {
    complete = true;
  }

  boolean isComplete() {
    return complete;
  }

  /**
   * Makes room up to a position; nothing was written behind what was reserved before. Never while
   * the file is finished, or it would grow again.
   */
  synchronized void reserve(long end) throws IOException {
    while (reserved < end) {
      ByteBuffer zeros = ZEROS.duplicate();
      zeros.limit((int) Math.min(zeros.capacity(), end - reserved));
      reserved += channel.write(zeros, reserved);
    }
  }

  void write(ByteBuffer bytes, long position) throws IOException {
    long at = position;
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }

  /** Waits until what was written is on the disk. */
  void force() throws IOException {
    channel.force(false);
  }

  /** Cuts it to what was written, and closes it. */
  synchronized void finish(long length) throws IOException {
    channel.truncate(length);
    channel.force(true);
    close();
  }

  void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // What has to be on the disk was forced before.
    }
  }
}
