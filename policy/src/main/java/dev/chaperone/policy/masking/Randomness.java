package dev.chaperone.policy.masking;

/** How random a run of characters looks. */
final class Randomness {
  /** Of each count of a character its weight in the entropy. */
  private static final double[] WEIGHTS = new double[1024];

  static {
    for (int i = 1; i < WEIGHTS.length; i++) {
      WEIGHTS[i] = weight(i);
    }
  }

  private static double weight(int count) {
    return count * Math.log(count) / Math.log(2);
  }

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
    int length = to - from;
    double weights = 0;
    for (int count : counts) {
      weights += count < WEIGHTS.length ? WEIGHTS[count] : weight(count);
    }
    double whole = length < WEIGHTS.length ? WEIGHTS[length] : weight(length);
    entropy = length == 0 ? 0 : (whole - weights) / length;
  }
}
