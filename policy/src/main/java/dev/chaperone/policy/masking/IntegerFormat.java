package dev.chaperone.policy.masking;

/** Whole numbers of a fixed size: digits, or big-endian bytes. */
enum IntegerFormat {
  INT2(2, Short.MAX_VALUE),
  INT4(4, Integer.MAX_VALUE),
  INT8(8, Long.MAX_VALUE),
  OID(4, 0xFFFF_FFFFL);

  /** What {@link #read} answers for what is no number of the type; no type's own minimum. */
  static final long INVALID = Long.MIN_VALUE + 1;

  private final int bytes;
  private final long max;

  IntegerFormat(int bytes, long max) {
    this.bytes = bytes;
    this.max = max;
  }

  static IntegerFormat of(ValueType type) {
    return valueOf(type.name());
  }

  long max() {
    return max;
  }

  long read(byte[] value, int offset, int length, boolean binary) {
    return binary ? readBinary(value, offset, length) : readText(value, offset, length);
  }

  private long readBinary(byte[] value, int offset, int length) {
    if (length != bytes) {
      return INVALID;
    }
    long number = this == OID ? 0 : value[offset] >> 7;
    for (int i = offset; i < offset + length; i++) {
      number = number << 8 | (value[i] & 0xff);
    }
    return number;
  }

  private static long readText(byte[] value, int offset, int length) {
    boolean negative = length > 0 && value[offset] == '-';
    int from = negative ? offset + 1 : offset;
    int digits = offset + length - from;
    if (digits < 1 || digits > 19) {
      return INVALID;
    }
    long number = 0;
    for (int i = from; i < offset + length; i++) {
      if (value[i] < '0' || value[i] > '9') {
        return INVALID;
      }
      // Wraps for the smallest number alone, to itself.
      number = number * 10 + value[i] - '0';
    }
    return negative ? -number : number;
  }

  void write(long number, boolean binary, ByteOutput out) {
    if (!binary) {
      out.putAscii(Long.toString(number));
      return;
    }
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      out.put((int) (number >>> shift));
    }
  }
}
