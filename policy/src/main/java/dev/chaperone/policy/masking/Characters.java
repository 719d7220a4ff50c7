package dev.chaperone.policy.masking;

/** Classes of ASCII characters. */
final class Characters {
  private static final boolean[] ALPHANUMERIC = new boolean[256];

  static {
    for (int b = 0; b < 128; b++) {
      ALPHANUMERIC[b] = isDigit(b) || isUpper(b) || isLower(b);
    }
  }

  private Characters() {}

  static boolean isDigit(int b) {
    return b >= '0' && b <= '9';
  }

  static boolean isUpper(int b) {
    return b >= 'A' && b <= 'Z';
  }

  static boolean isLower(int b) {
    return b >= 'a' && b <= 'z';
  }

  static boolean isAlphanumeric(int b) {
    return ALPHANUMERIC[b & 0xff];
  }

  /** The byte there, or 0 outside of the text. */
  static int at(byte[] text, int from, int index, int to) {
    return index < from || index >= to ? 0 : text[index];
  }
}
