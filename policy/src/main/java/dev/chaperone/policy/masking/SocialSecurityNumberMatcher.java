package dev.chaperone.policy.masking;

/**
 * {@code 123-45-6789}, with blanks or dashes; never plain nine digits, which anything may be. The
 * Social Security Administration gives no area 000, 666 or 900 and above, no group 00 and no serial
 * 0000.
 */
final class SocialSecurityNumberMatcher implements Matcher {
  private static final int LENGTH = 11;

  @Override
  public boolean triggers(int b) {
    return Characters.isDigit(b);
  }

  @Override
  public boolean follows(int before) {
    return !Characters.isAlphanumeric(before);
  }

  @Override
  public long match(byte[] text, int from, int at, int to) {
    int end = at + LENGTH;
    if (end > to || isNumberBefore(text, from, at, to) || isNumberBehind(text, from, end, to)) {
      return NONE;
    }
    byte separator = text[at + 3];
    if ((separator != '-' && separator != ' ') || text[at + 6] != separator) {
      return NONE;
    }
    int area = number(text, at, 3);
    int group = number(text, at + 4, 2);
    int serial = number(text, at + 7, 4);
    boolean given = area > 0 && area != 666 && area < 900 && group > 0 && serial > 0;
    return given ? Matcher.span(at, end) : NONE;
  }

  private static boolean isNumberBefore(byte[] text, int from, int at, int to) {
    int before = Characters.at(text, from, at - 1, to);
    return (before == '-' || before == '.' || before == ' ' || before == '+')
        && Characters.isDigit(Characters.at(text, from, at - 2, to));
  }

  private static boolean isNumberBehind(byte[] text, int from, int end, int to) {
    int next = Characters.at(text, from, end, to);
    return Characters.isAlphanumeric(next)
        || (next == '-' && Characters.isAlphanumeric(Characters.at(text, from, end + 1, to)));
  }

  /** The number of exactly so many digits, or -1. */
  private static int number(byte[] text, int at, int digits) {
    int number = 0;
    for (int i = at; i < at + digits; i++) {
      if (!Characters.isDigit(text[i])) {
        return -1;
      }
      number = number * 10 + text[i] - '0';
    }
    return number;
  }
}
