package dev.chaperone.policy.masking;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes being written, in an array that grows. Not thread-safe. */
public final class ByteOutput {
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

  private byte[] bytes;
  private int length;

  public ByteOutput(int capacity) {
    bytes = new byte[Math.max(capacity, 16)];
  }

  /** The array; only the first {@link #length()} bytes count. Replaced when it grows. */
  public byte[] array() {
    return bytes;
  }

  public int length() {
    return length;
  }

  /** Starts over. */
  public ByteOutput clear() {
    length = 0;
    return this;
  }

  /** Forgets what was written behind a place. */
  public void truncate(int to) {
    length = to;
  }

  /**
   * Makes room for bytes that the caller writes into {@link #array()} itself.
   *
   * @return where they go
   */
  public int claim(int count) {
    require(count);
    int start = length;
    length += count;
    return start;
  }

  public ByteOutput put(int value) {
    require(1);
    bytes[length++] = (byte) value;
    return this;
  }

  public ByteOutput putShort(int value) {
    return put(value >>> 8).put(value);
  }

  public ByteOutput putInt(int value) {
    require(4);
    setInt(length, value);
    length += 4;
    return this;
  }

  public ByteOutput putLong(long value) {
    return putInt((int) (value >>> 32)).putInt((int) value);
  }

  public ByteOutput put(byte[] source, int offset, int count) {
    if (count != 0) {
      require(count);
      System.arraycopy(source, offset, bytes, length, count);
      length += count;
    }
    return this;
  }

  public ByteOutput put(byte[] source) {
    return put(source, 0, source.length);
  }

  /** Writes ASCII text. */
  public ByteOutput putAscii(String text) {
    return put(text.getBytes(StandardCharsets.US_ASCII));
  }

  /** Writes a number over what stands at a place. */
  public void setInt(int at, int value) {
    INTS.set(bytes, at, value);
  }

  /** As above, for a number of two bytes. */
  public void setShort(int at, int value) {
    bytes[at] = (byte) (value >>> 8);
    bytes[at + 1] = (byte) value;
  }

  private void require(int more) {
    if (bytes.length - length < more) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, Math.addExact(length, more)));
    }
  }

  /** A copy of what was written. */
  public byte[] toByteArray() {
    return Arrays.copyOf(bytes, length);
  }
}
