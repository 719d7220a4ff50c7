package dev.chaperone.policy.masking;

/**
 * E-mail addresses as people have them: a local part of at most 64 bytes (RFC 5321, 4.5.3.1.1) of
 * letters, digits and few marks, and a domain of at least two labels whose last one is letters.
 */
final class EmailMatcher implements Matcher {
  private static final int MAX_LOCAL = 64;
  private static final int MAX_DOMAIN = 255;

  @Override
  public boolean triggers(int b) {
    return b == '@';
  }

  @Override
  public boolean follows(int before) {
    return true;
  }

  @Override
  public long match(byte[] text, int from, int at, int to) {
    int start = at;
    while (start > from && at - start < MAX_LOCAL && isLocal(text[start - 1])) {
      start--;
    }
    while (start < at && text[start] == '.') {
      start++;
    }
    if (start == at || text[at - 1] == '.') {
      return NONE;
    }
    int end = domainEnd(text, at + 1, to);
    return end < 0 ? NONE : Matcher.span(start, end);
  }

  /** Behind the last label that is letters and not the only one; -1 where there is none. */
  private static int domainEnd(byte[] text, int start, int to) {
    int end = -1;
    int label = start;
    int labels = 0;
    boolean letters = true;
    int limit = Math.min(to, start + MAX_DOMAIN);
    for (int i = start; i <= limit; i++) {
      int b = i < limit ? text[i] : 0;
      if (Characters.isAlphanumeric(b) || b < 0 || (b == '-' && i > label)) {
        letters &= b < 0 || Characters.isLower(b) || Characters.isUpper(b);
        continue;
      }
      if (i == label) {
        break;
      }
      labels++;
      if (labels > 1 && letters && i - label >= 2) {
        end = i;
      }
      if (b != '.') {
        break;
      }
      label = i + 1;
      letters = true;
    }
    return end;
  }

  private static boolean isLocal(byte b) {
    return b < 0 || Characters.isAlphanumeric(b) || "._%+-'".indexOf(b) >= 0;
  }
}
