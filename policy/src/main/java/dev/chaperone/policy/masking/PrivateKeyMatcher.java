package dev.chaperone.policy.masking;

import java.nio.charset.StandardCharsets;

/**
 * Private keys in PEM (RFC 7468) and OpenPGP armor, from BEGIN to END; to the end of the text where
 * END is missing.
 */
final class PrivateKeyMatcher implements Matcher {
  private static final byte[] BEGIN = ascii("-----BEGIN ");
  private static final byte[] END = ascii("-----END ");
  private static final byte[] PRIVATE_KEY = ascii("PRIVATE KEY");
  private static final byte[] DASHES = ascii("-----");

  /** Longest words before PRIVATE KEY, and behind it. */
  private static final int MAX_LABEL = 32;

  @Override
  public boolean triggers(int b) {
    return b == '-';
  }

  @Override
  public boolean follows(int before) {
    return true;
  }

  @Override
  public long match(byte[] text, int from, int at, int to) {
    if (!stands(BEGIN, text, at, to)) {
      return NONE;
    }
    int label = at + BEGIN.length;
    int words = find(PRIVATE_KEY, text, label, Math.min(to, label + MAX_LABEL));
    if (words < 0 || hasDash(text, label, words)) {
      return NONE;
    }
    int end = find(END, text, words, to);
    if (end < 0) {
      return Matcher.span(at, to);
    }
    int closing = find(DASHES, text, end + END.length, Math.min(to, end + END.length + 64));
    return Matcher.span(at, closing < 0 ? to : closing + DASHES.length);
  }

  private static boolean hasDash(byte[] text, int from, int to) {
    for (int i = from; i < to; i++) {
      if (text[i] == '-') {
        return true;
      }
    }
    return false;
  }

  private static int find(byte[] wanted, byte[] text, int from, int to) {
    for (int i = from; i + wanted.length <= to; i++) {
      if (text[i] == wanted[0] && stands(wanted, text, i, to)) {
        return i;
      }
    }
    return -1;
  }

  private static boolean stands(byte[] wanted, byte[] text, int at, int to) {
    return at + wanted.length <= to
        && java.util.Arrays.equals(wanted, 0, wanted.length, text, at, at + wanted.length);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
