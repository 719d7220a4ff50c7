package dev.chaperone.policy.masking;

/** How random a run of characters looks. */
final class Randomness {
  private final int[] counts = new int[128];

  /** Characters of each class, and how often the class changes from one to the next. */
  int upper;

  int lower;
  int digits;
  int others;
  int changes;

  /** Whether all are hexadecimal digits or dashes, of one case. */
  boolean hexadecimal;

  /** Shannon's entropy of the characters, in bits a character. */
  double entropy;

  /** Looks at ASCII text. */
  void measure(byte[] text, int from, int to) {
    java.util.Arrays.fill(counts, 0);
    upper = 0;
    lower = 0;
    digits = 0;
    others = 0;
    changes = 0;
    hexadecimal = true;
    int before = 0;
    for (int i = from; i < to; i++) {
      int b = text[i] & 0x7f;
      counts[b]++;
      int kind;
      if (Characters.isUpper(b)) {
        upper++;
        kind = 1;
      } else if (Characters.isLower(b)) {
        lower++;
        kind = 2;
      } else if (Characters.isDigit(b)) {
        digits++;
        kind = 3;
      } else {
        others++;
        kind = 0;
      }
      hexadecimal &= b == '-' || Hex.digit((byte) b) >= 0;
      if (kind != 0) {
        changes += before != 0 && kind != before ? 1 : 0;
        before = kind;
      }
    }
    hexadecimal &= upper == 0 || lower == 0;
    entropy = 0;
    double length = to - from;
    for (int count : counts) {
      if (count > 0) {
        double share = count / length;
        entropy -= share * Math.log(share) / Math.log(2);
      }
    }
  }
}
