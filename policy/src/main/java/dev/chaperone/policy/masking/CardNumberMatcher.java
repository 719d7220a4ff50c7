package dev.chaperone.policy.masking;

/**
 * Card numbers: 13 to 19 digits, in one run or in the groups cards are printed in, with the prefix
 * of a known scheme (ISO/IEC 7812) and a valid check digit.
 */
final class CardNumberMatcher implements Matcher {
  private static final int MIN_DIGITS = 13;
  private static final int MAX_DIGITS = 19;

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
    int before = Characters.at(text, from, at - 1, to);
    if ((before == '.' || before == '-')
        && Characters.isDigit(Characters.at(text, from, at - 2, to))) {
      return NONE;
    }
    int end = at;
    int digits = 0;
    int groups = 0;
    long shape = 0;
    int group = 0;
    byte separator = 0;
    while (end < to) {
      byte b = text[end];
      if (Characters.isDigit(b)) {
        group++;
        digits++;
        if (digits > MAX_DIGITS) {
          return NONE;
        }
      } else if ((b == ' ' || b == '-')
          && (separator == 0 || separator == b)
          && groups < 4
          && Characters.isDigit(Characters.at(text, from, end + 1, to))) {
        separator = b;
        shape = shape * 10 + group;
        group = 0;
        groups++;
        if (digits >= MIN_DIGITS && isCard(text, at, end, digits, shape)) {
          // A number, and more digits behind a blank.
          return Matcher.span(at, end);
        }
      } else {
        break;
      }
      end++;
    }
    shape = shape * 10 + group;
    int next = Characters.at(text, from, end, to);
    boolean goesOn =
        Characters.isAlphanumeric(next)
            || next < 0
            || (next == '.' && Characters.isDigit(Characters.at(text, from, end + 1, to)));
    return !goesOn && digits >= MIN_DIGITS && isCard(text, at, end, digits, shape)
        ? Matcher.span(at, end)
        : NONE;
  }

  private static boolean isCard(byte[] text, int start, int end, int digits, long shape) {
    return isShape(shape)
        && isScheme(prefix(text, start, end), digits)
        && Luhn.sum(text, start, end) % 10 == 0;
  }

  /** The lengths of the groups, one decimal digit each; one run is one digit or more. */
  private static boolean isShape(long shape) {
    return (shape >= MIN_DIGITS && shape <= MAX_DIGITS)
        || shape == 4444
        || shape == 465
        || shape == 464
        || (shape >= 44441 && shape <= 44443)
        || shape == 4441;
  }

  /** The first four digits. */
  private static int prefix(byte[] text, int start, int end) {
    int prefix = 0;
    int digits = 0;
    for (int i = start; i < end && digits < 4; i++) {
      if (Characters.isDigit(text[i])) {
        prefix = prefix * 10 + text[i] - '0';
        digits++;
      }
    }
    return prefix;
  }

  private static boolean isScheme(int prefix, int digits) {
    int two = prefix / 100;
    int three = prefix / 10;
    boolean visa = two / 10 == 4 && (digits == 13 || digits == 16 || digits == 19);
    boolean mastercard =
        ((two >= 51 && two <= 55) || (prefix >= 2221 && prefix <= 2720)) && digits == 16;
    boolean amex = (two == 34 || two == 37) && digits == 15;
    boolean diners =
        (two == 36 || two == 38 || two == 39 || (three >= 300 && three <= 305))
            && digits >= 14
            && digits != 15
            && digits <= 19;
    boolean jcb = prefix >= 3528 && prefix <= 3589 && digits >= 16;
    boolean discover =
        (prefix == 6011 || two == 65 || (three >= 644 && three <= 649)) && digits >= 16;
    boolean unionPay = two == 62 && digits >= 16;
    boolean maestro = (two == 50 || (two >= 56 && two <= 58) || two == 67 || prefix == 6304);
    return visa || mastercard || amex || diners || jcb || discover || unionPay || maestro;
  }
}
