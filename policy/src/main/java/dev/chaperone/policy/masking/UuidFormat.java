package dev.chaperone.policy.masking;

/** Values of type uuid: 16 bytes, or 36 characters. */
final class UuidFormat {
  static final int BYTES = 16;
  private static final int CHARACTERS = 36;

  private UuidFormat() {}

  /** Reads a value into 16 bytes; false where it is none. */
  static boolean read(byte[] value, int offset, int length, boolean binary, byte[] uuid) {
    if (binary) {
      if (length != BYTES) {
        return false;
      }
      System.arraycopy(value, offset, uuid, 0, BYTES);
      return true;
    }
    if (length != CHARACTERS) {
      return false;
    }
    int digits = 0;
    for (int i = offset; i < offset + length; i++) {
      int digit = Hex.digit(value[i]);
      if (digit < 0) {
        if (value[i] != '-') {
          return false;
        }
      } else if (digits == 2 * BYTES) {
        return false;
      } else {
        uuid[digits / 2] = (byte) (digits % 2 == 0 ? digit << 4 : uuid[digits / 2] | digit);
        digits++;
      }
    }
    return digits == 2 * BYTES;
  }

  /** Writes 16 bytes, marked as a UUID of version 8 (RFC 9562): made by rules of our own. */
  static void write(byte[] uuid, boolean binary, ByteOutput out) {
    uuid[6] = (byte) ((uuid[6] & 0x0f) | 0x80);
    uuid[8] = (byte) ((uuid[8] & 0x3f) | 0x80);
    if (binary) {
      out.put(uuid, 0, BYTES);
      return;
    }
    for (int i = 0; i < BYTES; i++) {
      if (i == 4 || i == 6 || i == 8 || i == 10) {
        out.put('-');
      }
      Hex.write(uuid, i, 1, out);
    }
  }
}
