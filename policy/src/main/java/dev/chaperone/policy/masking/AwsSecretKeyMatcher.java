package dev.chaperone.policy.masking;

/** Secret access keys of AWS: a run of exactly 40 characters of base64 that looks random. */
final class AwsSecretKeyMatcher implements Matcher {
  private static final int LENGTH = 40;
  private static final double MIN_ENTROPY = 4.2;
  private static final int MIN_CHANGES = 10;

  private final Randomness randomness = new Randomness();

  @Override
  public boolean triggers(int b) {
    return isPart(b);
  }

  @Override
  public boolean follows(int before) {
    return !isPart(before);
  }

  @Override
  public long match(byte[] text, int from, int at, int to) {
    int end = at;
    while (end < to && isPart(text[end]) && end - at <= LENGTH) {
      end++;
    }
    if (end - at != LENGTH || Characters.at(text, from, end, to) == '=') {
      return NONE;
    }
    randomness.measure(text, at, end);
    boolean random =
        randomness.upper > 0
            && randomness.lower > 0
            && randomness.digits > 0
            && randomness.changes >= MIN_CHANGES
            && randomness.entropy >= MIN_ENTROPY;
    return random ? Matcher.span(at, end) : NONE;
  }

  private static boolean isPart(int b) {
    return Characters.isAlphanumeric(b) || b == '/' || b == '+';
  }
}
