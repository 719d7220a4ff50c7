package dev.chaperone.recording;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;

/**
 * A part of a recording on its way elsewhere: a segment's header, events, or both, each of them
 * whole.
 *
 * @param at where it begins
 * @param content its bytes; none where nothing stands there yet
 * @param more whether something stands behind it already
 */
public record RecordingPiece(Position at, Bytes content, boolean more) {
  /** No piece is longer, in bytes; the longest event is as long. */
  public static final int MAX_BYTES = Format.MAX_FRAME_BYTES;

  /** Events are put together up to this, so that others on the same way wait for no long one. */
  private static final int TARGET_BYTES = 64 << 10;

  /**
   * Reads what stands at a place of a recording that may be being written. Only what has the hash
   * it says is taken: an event that is half on the disk is not there yet.
   *
   * @param directory the session's
   * @throws IOException when a file cannot be read
   */
  public static RecordingPiece read(Path directory, Position at) throws IOException {
    byte[] window = new byte[MAX_BYTES];
    ByteBuffer in = ByteBuffer.wrap(window);
    byte[] previous = new byte[Format.HASH_BYTES];
    try (FileChannel channel =
        FileChannel.open(
            SessionFiles.segment(directory, at.segment()),
            StandardOpenOption.READ,
            LinkOption.NOFOLLOW_LINKS)) {
      if (!isThere(channel, at.offset())) {
        return nothing(at);
      }
      if (at.offset() > 0) {
        // What stands before an event, the header too, ends with its hash.
        fill(channel, ByteBuffer.wrap(previous), at.offset() - Format.HASH_BYTES);
      }
      fill(channel, in, at.offset());
    } catch (NoSuchFileException e) {
      return nothing(at);
    }
    return cut(at, in.flip(), Bytes.of(previous), window);
  }

  private static RecordingPiece nothing(Position at) {
    return new RecordingPiece(at, Bytes.EMPTY, false);
  }

  /** Zeros are room for what is still to come. */
  private static boolean isThere(FileChannel channel, long offset) throws IOException {
    ByteBuffer beginning = ByteBuffer.allocate(Integer.BYTES);
    fill(channel, beginning, offset);
    return !beginning.hasRemaining() && beginning.getInt(0) != 0;
  }

  private static void fill(FileChannel channel, ByteBuffer into, long offset) throws IOException {
    int start = into.position();
    while (into.hasRemaining()) {
      if (channel.read(into, offset + into.position() - start) < 0) {
        return;
      }
    }
  }

  private static RecordingPiece cut(Position at, ByteBuffer window, Bytes previous, byte[] bytes) {
    int end = 0;
    Bytes hash = previous;
    if (at.offset() == 0) {
      end = header(bytes, window.limit());
      if (end == 0) {
        return nothing(at);
      }
      hash = Bytes.copy(bytes, end - Format.HASH_BYTES, Format.HASH_BYTES);
    }
    MessageDigest sha256 = Format.sha256();
    boolean closed = false;
    boolean more = false;
    while (!closed && window.limit() - end >= Format.MIN_FRAME_BYTES) {
      int length = window.getInt(end);
      if (length < Format.MIN_FRAME_BYTES || length > Format.MAX_FRAME_BYTES) {
        break;
      }
      more = end > 0 && (long) end + length > Math.min(TARGET_BYTES, window.limit());
      if (more || length > window.limit() - end) {
        break;
      }
      Frame frame = new Frame(at.offset() + end, Arrays.copyOfRange(bytes, end, end + length));
      if (!frame.follows(hash, sha256)) {
        break;
      }
      hash = frame.hash();
      end += length;
      closed = frame.type() == Format.TYPE_CONTINUED;
    }
    return new RecordingPiece(at, Bytes.copy(bytes, 0, end), more || closed);
  }

  /** How long the header is; 0 where it is not there yet. */
  private static int header(byte[] bytes, int limit) {
    try {
      int length = limit < SegmentHeader.MIN_BYTES ? 0 : SegmentHeader.length(bytes);
      if (length > limit) {
        return 0;
      }
      SegmentHeader.decode(Arrays.copyOf(bytes, length));
      return length;
    } catch (MalformedRecordingException e) {
      return 0;
    }
  }
}
