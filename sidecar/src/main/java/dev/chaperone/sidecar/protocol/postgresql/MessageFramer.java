package dev.chaperone.sidecar.protocol.postgresql;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.ByteToMessageDecoder;

/**
 * Walks the messages of one direction and passes on those its handler forwards, without copying
 * them: neighbouring messages that are forwarded leave as one slice of the buffer they came in, and
 * a buffer that is forwarded whole leaves as itself.
 *
 * <p>A message is never buffered whole unless the handler asks for it: the rest of a long message
 * is counted down as it arrives. PostgreSQL documentation, "Message Formats": one type byte, then a
 * four-byte length that counts itself.
 *
 * <p>Used by one event loop.
 */
final class MessageFramer {
  /** A type byte and a length. */
  static final int HEADER_BYTES = 5;

  /** What becomes of a message. */
  enum Disposition {
    /** It is passed on. */
    FORWARD,
    /** It is not passed on; the handler may have written something in its place. */
    DROP,
    /** It cannot be judged yet; it is shown again by the next {@link #run()}. */
    WAIT
  }

  /** Judges messages. */
  interface Handler {
    /** Whether no message may be judged for now; asked before each message. */
    boolean isBlocked();

    /**
     * Says how much of a message is needed to judge it.
     *
     * @param type the type byte
     * @param bodyBytes the length of the body, 0 or more
     * @return bytes of the body that must be there before {@link #onMessage} is called, at most
     *     {@code bodyBytes}
     * @throws ProtocolViolation when the message is not acceptable at all
     */
    int requiredBytes(byte type, int bodyBytes);

    /**
     * Judges a message.
     *
     * @param buffer holds the body from {@code bodyStart}; not to be modified or kept
     * @param available bytes of the body in the buffer, at least what {@link #requiredBytes} said
     */
    Disposition onMessage(byte type, int bodyBytes, ByteBuf buffer, int bodyStart, int available);

    /** Writes messages on; takes over the buffer. */
    void forward(ByteBuf messages);
  }

  private final Handler handler;
  private ByteBuf buffer;
  private int position;
  private int spanStart;
  private long streaming;
  private boolean discarding;
  private int taken;
  private boolean running;

  MessageFramer(Handler handler) {
    this.handler = handler;
  }

  /** Adds what was read; takes over the buffer. */
  void append(ByteBufAllocator allocator, ByteBuf in) {
    if (buffer == null) {
      buffer = in;
    } else {
      buffer = ByteToMessageDecoder.MERGE_CUMULATOR.cumulate(allocator, buffer, in);
    }
    position = buffer.readerIndex();
    spanStart = position;
  }

  /** Bytes that were read and not yet judged. */
  int pendingBytes() {
    return buffer == null ? 0 : buffer.writerIndex() - position;
  }

  /**
   * Judges as many messages as are there and forwards them. Calls from within a handler's callback
   * are ignored: the outer call goes on.
   */
  void run() {
    if (running) {
      return;
    }
    running = true;
    try {
      while (buffer != null && step()) {
        // step() does the work
      }
      settle();
    } finally {
      running = false;
    }
  }

  /**
   * Forwards what stands before the message being judged, so that the handler can write something
   * of its own behind it.
   */
  void forwardPreceding() {
    emit(position);
  }

  /**
   * The handler has dealt with whole messages behind the one being judged as well: they are dropped
   * with it.
   *
   * @param bytes of these messages, which must be there
   */
  void takeFollowing(int bytes) {
    taken = bytes;
  }

  /**
   * Whether a message of that type stands among those that were read and not yet judged. Looks no
   * further than the first that is not there as a whole.
   */
  boolean holds(byte type) {
    if (buffer == null || streaming > 0) {
      return false;
    }
    int at = position;
    while (buffer.writerIndex() - at >= HEADER_BYTES) {
      int length = buffer.getInt(at + 1);
      if (buffer.getByte(at) == type) {
        return true;
      }
      if (length < 4 || length > buffer.writerIndex() - at - 1) {
        return false;
      }
      at += length + 1;
    }
    return false;
  }

  /** Frees what is held. */
  void close() {
    if (buffer != null) {
      buffer.release();
      buffer = null;
    }
  }

  private boolean step() {
    int readable = buffer.writerIndex() - position;
    if (streaming > 0) {
      return stream(readable);
    }
    if (readable < HEADER_BYTES || handler.isBlocked()) {
      return false;
    }
    byte type = buffer.getByte(position);
    int length = buffer.getInt(position + 1);
    if (length < 4) {
      throw new ProtocolViolation("message of type " + printable(type) + " has length " + length);
    }
    int bodyBytes = length - 4;
    int available = Math.min(bodyBytes, readable - HEADER_BYTES);
    if (available < handler.requiredBytes(type, bodyBytes)) {
      return false;
    }
    taken = 0;
    Disposition disposition =
        handler.onMessage(type, bodyBytes, buffer, position + HEADER_BYTES, available);
    if (disposition == Disposition.WAIT || buffer == null) {
      return false;
    }
    discarding = disposition == Disposition.DROP;
    if (discarding) {
      emit(position);
      position += taken;
    }
    position += HEADER_BYTES + available;
    streaming = (long) bodyBytes - available;
    if (discarding) {
      spanStart = position;
    }
    return true;
  }

  private boolean stream(int readable) {
    int count = (int) Math.min(streaming, readable);
    if (count == 0) {
      return false;
    }
    position += count;
    streaming -= count;
    if (discarding) {
      spanStart = position;
    }
    return true;
  }

  private void emit(int end) {
    if (end > spanStart) {
      ByteBuf span = buffer.retainedSlice(spanStart, end - spanStart);
      spanStart = end;
      handler.forward(span);
    }
  }

  private void settle() {
    if (buffer == null) {
      return;
    }
    if (position < buffer.writerIndex()) {
      emit(position);
      if (buffer != null) {
        buffer.readerIndex(position);
      }
      return;
    }
    ByteBuf whole = buffer;
    buffer = null;
    if (position > spanStart) {
      handler.forward(whole.readerIndex(spanStart));
    } else {
      whole.release();
    }
  }

  static String printable(byte type) {
    return type > 0x20 && type < 0x7f
        ? "'" + (char) type + "'"
        : String.format("0x%02x", type & 0xff);
  }
}
