package dev.chaperone.policy.masking;

/** Text of the same form as another: length, letters, digits and everything between them. */
final class TextForm {
  private TextForm() {}

  static void write(byte[] value, int offset, int length, KeyedHash hash, ByteOutput out) {
    hash.of(value, offset, length);
    int start = out.length();
    int end = offset + length;
    int at = offset;
    while (at < end) {
      byte b = value[at];
      if (b >= 0) {
        out.put(other(b, hash));
        at++;
      } else {
        int size = characterBytes(value, at, end);
        character(size, hash, out);
        at += size;
      }
    }
    if (Luhn.isNumber(value, offset, end)) {
      Luhn.correct(out.array(), start, out.length());
    }
  }

  private static int other(byte b, KeyedHash hash) {
    if (b >= '0' && b <= '9') {
      return '0' + (int) hash.next(10);
    }
    if (b >= 'a' && b <= 'z') {
      return 'a' + (int) hash.next(26);
    }
    if (b >= 'A' && b <= 'Z') {
      return 'A' + (int) hash.next(26);
    }
    return b;
  }

  private static int characterBytes(byte[] value, int at, int end) {
    int next = at + 1;
    while (next < end && (value[next] & 0xC0) == 0x80 && next - at < 4) {
      next++;
    }
    return next - at;
  }

  /** Some letter that takes as many bytes in UTF-8. */
  private static void character(int size, KeyedHash hash, ByteOutput out) {
    switch (size) {
      case 2 -> {
        // U+00E0 to U+00F6, Latin letters.
        out.put(0xC3).put(0xA0 + (int) hash.next(23));
      }
      case 3 -> {
        // U+4E00 to U+9DFF, Chinese characters.
        int codePoint = 0x4E00 + (int) hash.next(0x5000);
        out.put(0xE0 | (codePoint >> 12))
            .put(0x80 | ((codePoint >> 6) & 0x3F))
            .put(0x80 | (codePoint & 0x3F));
      }
      case 4 -> {
        // U+20000 to U+23FFF, rarer ones.
        int codePoint = 0x20000 + (int) hash.next(0x4000);
        out.put(0xF0)
            .put(0x80 | ((codePoint >> 12) & 0x3F))
            .put(0x80 | ((codePoint >> 6) & 0x3F))
            .put(0x80 | (codePoint & 0x3F));
      }
      default -> out.put('?');
    }
  }
}
