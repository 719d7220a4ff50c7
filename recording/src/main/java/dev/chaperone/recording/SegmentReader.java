package dev.chaperone.recording;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * Reads the frames of one segment, whatever the file holds: memory is bounded by the longest frame.
 * A file that is being written may be read too: what is not there yet can be asked for again.
 */
final class SegmentReader implements Closeable {
  private static final int BUFFER_BYTES = 2 * Format.MAX_FRAME_BYTES;

  /** What stands where no frame begins. */
  enum Rest {
    /** The file ends. */
    NOTHING,
    /** Zeros to the end of the file: room for what is still to come. */
    ZEROS,
    /** A frame without its length: it was never finished, or its length was taken away. */
    NO_LENGTH,
    /** A frame that is longer than the file. */
    CUT_OFF
  }

  private final Path file;
  private final FileChannel channel;
  private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).limit(0);
  private long position;

  SegmentReader(Path file) throws IOException {
    this.file = file;
    this.channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
  }

  Path file() {
    return file;
  }

  /** Where the next frame begins. */
  long position() {
    return position;
  }

  /**
   * Reads the header, whose first eight bytes are written last; to be called first, and again where
   * it was not there yet.
   *
   * @return null where the segment is not begun
   */
  SegmentHeader header() throws IOException, MalformedRecordingException {
    if (!fill(12) || isZero(buffer.position(), Format.MAGIC.length)) {
      forget();
      return null;
    }
    byte[] beginning = new byte[12];
    buffer.get(buffer.position(), beginning);
    int length = SegmentHeader.length(beginning);
    if (!fill(length)) {
      forget();
      return null;
    }
    byte[] bytes = new byte[length];
    buffer.get(bytes);
    SegmentHeader header = SegmentHeader.decode(bytes);
    position += length;
    return header;
  }

  /**
   * Reads the next frame.
   *
   * @return null where there is none, or none yet; {@link #rest()} says more
   * @throws MalformedRecordingException when what stands there cannot be a frame
   */
  Frame next() throws IOException, MalformedRecordingException {
    if (!fill(Integer.BYTES)) {
      forget();
      return null;
    }
    int length = buffer.getInt(buffer.position());
    if (length == 0) {
      forget();
      return null;
    }
    if (length < Format.MIN_FRAME_BYTES
        || length > Format.MAX_FRAME_BYTES
        || length % Format.FRAME_ALIGNMENT != 0) {
      throw new MalformedRecordingException("an event has an impossible length");
    }
    if (!fill(length)) {
      forget();
      return null;
    }
    byte[] content = new byte[length];
    buffer.get(content);
    Frame frame = new Frame(position, content);
    position += length;
    return frame;
  }

  /** Goes back to a frame, to read it again. */
  void back(Frame frame) {
    position = frame.offset();
    forget();
  }

  /** What stands at the position, after {@link #next()} found no frame there. */
  Rest rest() throws IOException {
    forget();
    if (!fill(1)) {
      return Rest.NOTHING;
    }
    long size = channel.size();
    if (!fill(Integer.BYTES)) {
      return Rest.CUT_OFF;
    }
    if (buffer.getInt(buffer.position()) != 0) {
      return Rest.CUT_OFF;
    }
    return isZeroToEnd(size) ? Rest.ZEROS : Rest.NO_LENGTH;
  }

  /**
   * The frame that stands at the position without its length, if there is one: it can be told from
   * one that was never finished by its hash.
   *
   * @param next the number the frame behind it would have
   */
  Frame withoutLength(Bytes previous, long next) throws IOException {
    forget();
    fill(Format.MAX_FRAME_BYTES);
    int available = Math.min(buffer.remaining(), Format.MAX_FRAME_BYTES);
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(buffer.position(), bytes);
    int used = bytes.length;
    while (used > 0 && bytes[used - 1] == 0) {
      used--;
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    for (int end = Format.MIN_FRAME_BYTES; end <= available; end += Format.FRAME_ALIGNMENT) {
      // It ends before the next one, or where nothing but zeros follows its hash.
      boolean before = end + 13 <= bytes.length && in.getLong(end + 5) == next;
      boolean last = end >= used && end < used + Format.HASH_BYTES;
      if (last || before) {
        Frame frame = new Frame(position, Arrays.copyOf(bytes, end)).withLength();
        if (frame.follows(previous, Format.sha256())) {
          // The last one may lack its length because the process was killed just before it wrote
          // it; that cannot be told from a recording whose end was cut off. A seal comes at rest.
          boolean closing =
              frame.type() == Format.TYPE_SEALED || frame.type() == Format.TYPE_CONTINUED;
          return before || closing ? frame : null;
        }
      }
    }
    return null;
  }

  /** Whether more than one frame's length of something stands at the position. */
  boolean isMoreThanOneFrame() throws IOException {
    long size = channel.size();
    if (size - position <= Format.MAX_FRAME_BYTES) {
      return false;
    }
    long start = position;
    try {
      position += Format.MAX_FRAME_BYTES;
      forget();
      return !isZeroToEnd(size);
    } finally {
      position = start;
      forget();
    }
  }

  private boolean isZeroToEnd(long size) throws IOException {
    ByteBuffer part = ByteBuffer.allocate(64 << 10);
    for (long at = position; at < size; at += part.position()) {
      part.clear();
      if (channel.read(part, at) <= 0) {
        break;
      }
      for (int i = 0; i < part.position(); i++) {
        if (part.get(i) != 0) {
          return false;
        }
      }
    }
    return true;
  }

  private boolean isZero(int start, int length) {
    for (int i = 0; i < length; i++) {
      if (buffer.get(start + i) != 0) {
        return false;
      }
    }
    return true;
  }

  /** What was read ahead is read again: it may have changed meanwhile. */
  private void forget() {
    buffer.position(0).limit(0);
  }

  /** Reads until so many bytes are there; false where the file ends before. */
  private boolean fill(int bytes) throws IOException {
    if (buffer.remaining() >= bytes) {
      return true;
    }
    buffer.compact();
    while (buffer.position() < bytes) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        break;
      }
    }
    buffer.flip();
    return buffer.remaining() >= bytes;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
