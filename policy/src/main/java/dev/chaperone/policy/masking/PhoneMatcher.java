package dev.chaperone.policy.masking;

/**
 * Telephone numbers: a plus and 8 to 15 digits (ITU-T E.164), perhaps in groups; or three groups as
 * in North America, {@code (415) 555-2671}, {@code 415-555-2671}, {@code 415.555.2671}. Plain
 * digits are none.
 */
final class PhoneMatcher implements Matcher {
  private static final int MIN_DIGITS = 8;
  private static final int MAX_DIGITS = 15;
  private static final int MAX_LENGTH = 28;

  @Override
  public boolean triggers(int b) {
    return b == '+' || b == '(' || (b >= '2' && b <= '9');
  }

  @Override
  public boolean follows(int before) {
    return !Characters.isAlphanumeric(before);
  }

  @Override
  public long match(byte[] text, int from, int at, int to) {
    int before = Characters.at(text, from, at - 1, to);
    if ((before == '-' || before == '.' || before == ' ' || before == '/')
        && Characters.isDigit(Characters.at(text, from, at - 2, to))
        && text[at] != '+') {
      return NONE;
    }
    return text[at] == '+' ? international(text, from, at, to) : northAmerican(text, from, at, to);
  }

  private static long international(byte[] text, int from, int at, int to) {
    int digits = 0;
    int end = at + 1;
    int last = end;
    for (; end < Math.min(to, at + MAX_LENGTH); end++) {
      byte b = text[end];
      if (Characters.isDigit(b)) {
        if (digits == 0 && b == '0') {
          return NONE;
        }
        digits++;
        last = end + 1;
      } else if (digits == 0 || !isSeparator(b) || isSeparatorPair(text, end)) {
        break;
      }
    }
    boolean goesOn = Characters.isAlphanumeric(Characters.at(text, from, last, to));
    return digits >= MIN_DIGITS && digits <= MAX_DIGITS && !goesOn ? Matcher.span(at, last) : NONE;
  }

  private static boolean isSeparator(byte b) {
    return b == ' ' || b == '-' || b == '.' || b == '(' || b == ')';
  }

  private static boolean isSeparatorPair(byte[] text, int at) {
    return text[at] == text[at - 1]
        || (text[at] != '(' && !Characters.isDigit(text[at - 1]) && text[at - 1] != ')');
  }

  private static long northAmerican(byte[] text, int from, int at, int to) {
    boolean parenthesis = text[at] == '(';
    int i = parenthesis ? at + 1 : at;
    if (!digits(text, i, to, 3) || text[i] < '2') {
      return NONE;
    }
    i += 3;
    int separator;
    if (parenthesis) {
      if (Characters.at(text, from, i, to) != ')') {
        return NONE;
      }
      i++;
      i += Characters.at(text, from, i, to) == ' ' ? 1 : 0;
      separator = Characters.at(text, from, i + 3, to);
    } else {
      separator = Characters.at(text, from, i, to);
      i++;
    }
    if ((separator != '-' && separator != '.' && separator != ' ')
        || !digits(text, i, to, 3)
        || text[i] < '2'
        || Characters.at(text, from, i + 3, to) != separator
        || !digits(text, i + 4, to, 4)) {
      return NONE;
    }
    int end = i + 8;
    int next = Characters.at(text, from, end, to);
    boolean goesOn =
        Characters.isAlphanumeric(next)
            || ((next == '-' || next == '.')
                && Characters.isDigit(Characters.at(text, from, end + 1, to)));
    return goesOn ? NONE : Matcher.span(at, end);
  }

  private static boolean digits(byte[] text, int at, int to, int count) {
    if (at + count > to) {
      return false;
    }
    for (int i = at; i < at + count; i++) {
      if (!Characters.isDigit(text[i])) {
        return false;
      }
    }
    return true;
  }
}
