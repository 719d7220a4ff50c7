package dev.chaperone.policy.masking;

/**
 * Values of type bytea: in text format {@code \x} and hexadecimal digits, or the older escape
 * format, which is taken as it is. PostgreSQL documentation, "Binary Data Types".
 */
final class ByteaFormat {
  private ByteaFormat() {}

  static void write(byte[] bytes, int length, boolean binary, ByteOutput out) {
    if (binary) {
      out.put(bytes, 0, length);
    } else {
      out.put('\\').put('x');
      Hex.write(bytes, 0, length, out);
    }
  }

  /** The bytes that a value stands for. */
  static void read(byte[] value, int offset, int length, boolean binary, ByteOutput out) {
    boolean hex = !binary && length >= 2 && value[offset] == '\\' && value[offset + 1] == 'x';
    if (!hex) {
      out.put(value, offset, length);
      return;
    }
    for (int i = offset + 2; i + 1 < offset + length; i += 2) {
      out.put(Hex.digit(value[i]) << 4 | Hex.digit(value[i + 1]));
    }
  }
}
