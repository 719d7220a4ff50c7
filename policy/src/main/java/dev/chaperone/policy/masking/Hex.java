package dev.chaperone.policy.masking;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Hexadecimal digits in lower case. */
final class Hex {
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final int STEP = Integer.BYTES;
  private static final long LOW_BITS = 0x0101010101010101L;
  private static final byte[] DIGITS = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

  private Hex() {}

  static void write(byte[] bytes, int offset, int length, ByteOutput out) {
    int at = out.claim(2 * length);
    byte[] to = out.array();
    int end = offset + length;
    int i = offset;
    for (; end - i >= STEP; i += STEP) {
      LONGS.set(to, at, digits((int) INTS.get(bytes, i)));
      at += 2 * STEP;
    }
    for (; i < end; i++) {
      to[at++] = DIGITS[(bytes[i] >> 4) & 15];
      to[at++] = DIGITS[bytes[i] & 15];
    }
  }

  /** Four bytes as eight digits, all at a time. */
  private static long digits(int bytes) {
    long halves = Integer.toUnsignedLong(bytes);
    halves = (halves | halves << 16) & 0x0000ffff0000ffffL;
    halves = (halves | halves << 8) & 0x00ff00ff00ff00ffL;
    halves = (halves | halves << 4) & 0x0f0f0f0f0f0f0f0fL;
    long letters = ((halves + 6 * LOW_BITS) >>> 4) & LOW_BITS;
    return halves + '0' * LOW_BITS + letters * ('a' - '0' - 10);
  }

  /** The value of a digit in either case, or -1. */
  static int digit(byte b) {
    if (b >= '0' && b <= '9') {
      return b - '0';
    }
    int lower = b | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  }
}
