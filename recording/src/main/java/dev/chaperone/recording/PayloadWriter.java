package dev.chaperone.recording;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Puts together one frame at a time in an array that is used again. */
final class PayloadWriter {
  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private final byte[] array;
  private final int end;
  private int position;

  /** Writes payloads of frames. */
  PayloadWriter() {
    this(Format.MAX_PAYLOAD_BYTES);
  }

  /** Writes payloads of at most so many bytes. */
  PayloadWriter(int longest) {
    this.end = Format.FRAME_HEAD_BYTES + longest;
    this.array = new byte[end + Format.FRAME_ALIGNMENT + Format.HASH_BYTES];
  }

  /** Begins a payload. */
  void begin() {
    position = Format.FRAME_HEAD_BYTES;
  }

  byte[] array() {
    return array;
  }

  int position() {
    return position;
  }

  /** How much of the payload is written. */
  int payloadBytes() {
    return position - Format.FRAME_HEAD_BYTES;
  }

  /**
   * Completes head and padding.
   *
   * @return the frame's length
   */
  int finish(int type, long sequence, long micros) {
    int length = Format.align(position + Format.HASH_BYTES);
    Arrays.fill(array, position, length - Format.HASH_BYTES, (byte) 0);
    INT.set(array, 0, length);
    array[4] = (byte) type;
    LONG.set(array, 5, sequence);
    LONG.set(array, 13, micros);
    return length;
  }

  void octet(int value) {
    array[room(1)] = (byte) value;
  }

  void fixed64(long value) {
    LONG.set(array, room(8), value);
  }

  /** Seven bits in each byte, lowest first; the last byte has no highest bit. */
  void number(long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      octet((int) (rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    octet((int) rest);
  }

  void flag(boolean value) {
    octet(value ? 1 : 0);
  }

  void raw(byte[] bytes, int start, int length) {
    System.arraycopy(bytes, start, array, room(length), length);
  }

  void raw(Bytes bytes) {
    raw(bytes.array(), 0, bytes.length());
  }

  void bytes(Bytes bytes) {
    number(bytes.length());
    raw(bytes);
  }

  /** A text of at most {@link Format#MAX_STRING_BYTES}. */
  void text(String text) {
    text(text, Format.MAX_STRING_BYTES);
  }

  /** A text of at most {@link Format#MAX_NAME_BYTES}. */
  void name(String text) {
    text(text, Format.MAX_NAME_BYTES);
  }

  /** A text, cut at a character where it is too long. */
  private void text(String text, int most) {
    int length = text.length();
    if (length < 0x80 && length <= most && isAscii(text)) {
      octet(length);
      int start = room(length);
      for (int i = 0; i < length; i++) {
        array[start + i] = (byte) text.charAt(i);
      }
      return;
    }
    byte[] utf8 = (length > most ? text.substring(0, most) : text).getBytes(StandardCharsets.UTF_8);
    int end = Math.min(utf8.length, most);
    while (end < utf8.length && end > 0 && (utf8[end] & 0xc0) == 0x80) {
      end--;
    }
    number(end);
    raw(utf8, 0, end);
  }

  private static boolean isAscii(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) >= 0x80) {
        return false;
      }
    }
    return true;
  }

  private int room(int bytes) {
    int start = position;
    if (bytes > end - start) {
      throw new IllegalArgumentException("an event is longer than a frame can be");
    }
    position = start + bytes;
    return start;
  }
}
