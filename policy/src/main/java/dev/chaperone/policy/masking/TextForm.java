package dev.chaperone.policy.masking;

/** Text of the same form as another: length, letters, digits and everything between them. */
final class TextForm {
  private TextForm() {}

  /** Of each ASCII character the first of its class, and in the low byte how many the class has. */
  private static final int[] CLASSES = classes();

  private static int[] classes() {
    int[] classes = new int[128];
    for (int b = 0; b < classes.length; b++) {
      if (Characters.isDigit(b)) {
        classes[b] = '0' << 8 | 10;
      } else if (Characters.isLower(b)) {
        classes[b] = 'a' << 8 | 26;
      } else if (Characters.isUpper(b)) {
        classes[b] = 'A' << 8 | 26;
      } else {
        classes[b] = b << 8 | 1;
      }
    }
    return classes;
  }

  static void write(byte[] value, int offset, int length, KeyedHash hash, ByteOutput out) {
    hash.of(value, offset, length);
    long seed = hash.seed();
    int start = out.claim(length);
    byte[] to = out.array();
    long bits = 0;
    int drawn = 0;
    int at = 0;
    while (at < length) {
      byte b = value[offset + at];
      if (b >= 0) {
        // Four characters from one number, of 16 bits each: enough for 26 letters to be equally
        // likely but for one in 2,500.
        bits = (drawn & 3) == 0 ? KeyedHash.number(seed, drawn) : bits >>> 16;
        drawn++;
        int kind = CLASSES[b];
        to[start + at] = (byte) ((kind >> 8) + ((((int) bits & 0xffff) * (kind & 0xff)) >>> 16));
        at++;
      } else {
        int size = characterBytes(value, offset + at, offset + length);
        character(size, KeyedHash.number(seed, -1 - at), to, start + at);
        at += size;
      }
    }
    if (Luhn.isNumber(value, offset, offset + length)) {
      Luhn.correct(to, start, start + length);
    }
  }

  private static int characterBytes(byte[] value, int at, int end) {
    int next = at + 1;
    while (next < end && (value[next] & 0xC0) == 0x80 && next - at < 4) {
      next++;
    }
    return next - at;
  }

  /** Some letter that takes as many bytes in UTF-8. */
  private static void character(int size, long number, byte[] to, int at) {
    switch (size) {
      case 2 -> {
        // U+00E0 to U+00F6, Latin letters.
        to[at] = (byte) 0xC3;
        to[at + 1] = (byte) (0xA0 + KeyedHash.below(number, 23));
      }
      case 3 -> {
        // U+4E00 to U+9DFF, Chinese characters.
        int codePoint = 0x4E00 + KeyedHash.below(number, 0x5000);
        to[at] = (byte) (0xE0 | (codePoint >> 12));
        to[at + 1] = continuation(codePoint >> 6);
        to[at + 2] = continuation(codePoint);
      }
      case 4 -> {
        // U+20000 to U+23FFF, rarer ones.
        int codePoint = 0x20000 + KeyedHash.below(number, 0x4000);
        to[at] = (byte) 0xF0;
        to[at + 1] = continuation(codePoint >> 12);
        to[at + 2] = continuation(codePoint >> 6);
        to[at + 3] = continuation(codePoint);
      }
      default -> to[at] = '?';
    }
  }

  private static byte continuation(int bits) {
    return (byte) (0x80 | (bits & 0x3F));
  }
}
