package dev.chaperone.control.channel;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;

/**
 * Takes a stream of bytes apart into frames: four bytes of length, most significant first, then the
 * content. Holds no more than what has come of one frame; a length that is only claimed costs
 * nothing. For one thread.
 */
public final class FrameReader {
  /** No frame is longer, in bytes. */
  public static final int MAX_FRAME = 4 * 1024 * 1024;

  /** The length in front of a frame, in bytes. */
  public static final int HEADER = 4;

  private static final int FIRST_ROOM = 4 * 1024;

  private int limit;
  private int headerBytes;
  private int length;
  private byte[] content = new byte[0];
  private int filled;

  /**
   * @param limit the longest frame that is taken, in bytes, at most {@link #MAX_FRAME}
   */
  public FrameReader(int limit) {
    limit(limit);
  }

  /** Takes longer or shorter frames from the next one on. */
  public void limit(int bytes) {
    if (bytes < 1 || bytes > MAX_FRAME) {
      throw new IllegalArgumentException("limit " + bytes);
    }
    limit = bytes;
  }

  /**
   * Takes bytes until a frame is whole or none are left.
   *
   * @return the content of a frame; empty where more bytes are needed
   * @throws MalformedMessageException where a frame is longer than is taken, or empty
   */
  public Optional<byte[]> next(ByteBuffer in) throws MalformedMessageException {
    while (headerBytes < HEADER) {
      if (!in.hasRemaining()) {
        return Optional.empty();
      }
      length = length << 8 | (in.get() & 0xFF);
      headerBytes++;
      if (headerBytes == HEADER && (length < 1 || length > limit)) {
        throw new MalformedMessageException("a frame must have 1 to " + limit + " bytes");
      }
    }
    int taken = Math.min(length - filled, in.remaining());
    makeRoom(filled + taken);
    in.get(content, filled, taken);
    filled += taken;
    if (filled < length) {
      return Optional.empty();
    }
    byte[] frame = content.length == length ? content : Arrays.copyOf(content, length);
    headerBytes = 0;
    length = 0;
    content = new byte[0];
    filled = 0;
    return Optional.of(frame);
  }

  private void makeRoom(int needed) {
    if (needed > content.length) {
      int doubled = Math.max(FIRST_ROOM, content.length * 2);
      content = Arrays.copyOf(content, Math.min(length, Math.max(needed, doubled)));
    }
  }

  /** Four bytes of length for that many bytes of content. */
  public static byte[] header(int bytes) {
    return ByteBuffer.allocate(HEADER).putInt(bytes).array();
  }
}
