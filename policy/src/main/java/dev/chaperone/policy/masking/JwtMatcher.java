package dev.chaperone.policy.masking;

/**
 * JSON web tokens in compact form (RFC 7519): two JSON objects and a signature in base64url, with
 * dots between. An object begins with <code>{"</code>, which is {@code eyJ}; white space behind the
 * brace is not looked for.
 */
final class JwtMatcher implements Matcher {
  private static final int MIN_PART = 10;

  @Override
  public boolean triggers(int b) {
    return b == 'e';
  }

  @Override
  public boolean follows(int before) {
    return !isPart(before);
  }

  @Override
  public long match(byte[] text, int from, int at, int to) {
    if (!isObject(text, from, at, to)) {
      return NONE;
    }
    int header = partEnd(text, at, to);
    if (Characters.at(text, from, header, to) != '.' || !isObject(text, from, header + 1, to)) {
      return NONE;
    }
    int payload = partEnd(text, header + 1, to);
    if (header - at < MIN_PART
        || payload - header < MIN_PART
        || Characters.at(text, from, payload, to) != '.') {
      return NONE;
    }
    return Matcher.span(at, partEnd(text, payload + 1, to));
  }

  private static boolean isObject(byte[] text, int from, int at, int to) {
    return Characters.at(text, from, at, to) == 'e'
        && Characters.at(text, from, at + 1, to) == 'y'
        && Characters.at(text, from, at + 2, to) == 'J';
  }

  private static int partEnd(byte[] text, int at, int to) {
    int end = at;
    while (end < to && isPart(text[end])) {
      end++;
    }
    return end;
  }

  private static boolean isPart(int b) {
    return Characters.isAlphanumeric(b) || b == '-' || b == '_';
  }
}
