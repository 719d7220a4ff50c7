package dev.chaperone.policy.masking;

import java.nio.charset.StandardCharsets;

/** Hexadecimal digits in lower case. */
final class Hex {
  private static final byte[] DIGITS = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

  private Hex() {}

  static void write(byte[] bytes, int offset, int length, ByteOutput out) {
    for (int i = offset; i < offset + length; i++) {
      out.put(DIGITS[(bytes[i] >> 4) & 15]).put(DIGITS[bytes[i] & 15]);
    }
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
