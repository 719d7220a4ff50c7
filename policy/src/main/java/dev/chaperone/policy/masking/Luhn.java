package dev.chaperone.policy.masking;

/** The check digit of card numbers (ISO/IEC 7812-1, annex B). */
final class Luhn {
  private static final int MIN_DIGITS = 12;
  private static final int MAX_DIGITS = 19;

  private Luhn() {}

  /** Whether a text is nothing but a number, perhaps in groups, with a valid check digit. */
  static boolean isNumber(byte[] text, int from, int to) {
    if (to - from < MIN_DIGITS) {
      return false;
    }
    int digits = 0;
    for (int i = from; i < to; i++) {
      if (text[i] >= '0' && text[i] <= '9') {
        digits++;
      } else if (text[i] != ' ' && text[i] != '-') {
        return false;
      }
    }
    return digits >= MIN_DIGITS && digits <= MAX_DIGITS && sum(text, from, to) % 10 == 0;
  }

  /** The sum over all digits of a text, from the last one on; valid where it ends in 0. */
  static int sum(byte[] text, int from, int to) {
    int sum = 0;
    boolean twice = false;
    for (int i = to - 1; i >= from; i--) {
      int digit = text[i] - '0';
      if (digit < 0 || digit > 9) {
        continue;
      }
      if (twice) {
        digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
      }
      sum += digit;
      twice = !twice;
    }
    return sum;
  }

  /** Changes the last digit so that the number is valid. */
  static void correct(byte[] text, int from, int to) {
    int last = to - 1;
    while (text[last] < '0' || text[last] > '9') {
      last--;
    }
    int others = sum(text, from, to) - (text[last] - '0');
    text[last] = (byte) ('0' + (10 - others % 10) % 10);
  }
}
