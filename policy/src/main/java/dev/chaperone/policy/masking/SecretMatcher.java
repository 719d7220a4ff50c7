package dev.chaperone.policy.masking;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Secrets of any kind: tokens with the prefix of a known service, and runs of 24 to 512 characters
 * that look random: upper and lower case and digits in a wild mix. Hexadecimal text (UUIDs,
 * digests, commits), numbers, words, paths and identifiers do not look so.
 */
final class SecretMatcher implements Matcher {
  private static final int MIN_LENGTH = 24;
  private static final int MAX_LENGTH = 512;

  /** Shortest token behind a known prefix. */
  private static final int MIN_AFTER_PREFIX = 16;

  /** Shannon's entropy of 24 random letters and digits is about 4.2; of words, below 3.7. */
  private static final double MIN_ENTROPY = 3.9;

  private static final List<byte[]> PREFIXES =
      List.of(
          ascii("ghp_"),
          ascii("gho_"),
          ascii("ghu_"),
          ascii("ghs_"),
          ascii("ghr_"),
          ascii("github_pat_"),
          ascii("glpat-"),
          ascii("xoxb-"),
          ascii("xoxp-"),
          ascii("xoxa-"),
          ascii("xapp-"),
          ascii("sk_live_"),
          ascii("sk_test_"),
          ascii("rk_live_"),
          ascii("sk-"),
          ascii("AIza"),
          ascii("npm_"),
          ascii("hvs."),
          ascii("SG."));

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
    while (end < to && isPart(text[end])) {
      end++;
    }
    int length = end - at;
    if (length > MAX_LENGTH || length < MIN_AFTER_PREFIX) {
      return NONE;
    }
    if (hasPrefix(text, at, end) || (length >= MIN_LENGTH && looksRandom(text, at, end))) {
      while (end < to && text[end] == '=') {
        end++;
      }
      return Matcher.span(at, end);
    }
    return NONE;
  }

  private boolean looksRandom(byte[] text, int start, int end) {
    randomness.measure(text, start, end);
    int length = end - start;
    return !randomness.hexadecimal
        && randomness.upper >= 2
        && randomness.lower >= 2
        && randomness.digits >= 2
        && randomness.digits * 12 >= length
        && randomness.others * 6 <= length
        && randomness.changes * 7 >= length * 2
        && randomness.entropy >= MIN_ENTROPY;
  }

  private static boolean hasPrefix(byte[] text, int start, int end) {
    for (byte[] prefix : PREFIXES) {
      if (end - start >= prefix.length + MIN_AFTER_PREFIX
          && java.util.Arrays.equals(
              prefix, 0, prefix.length, text, start, start + prefix.length)) {
        return hasDigit(text, start + prefix.length, end);
      }
    }
    return false;
  }

  private static boolean hasDigit(byte[] text, int from, int to) {
    for (int i = from; i < to; i++) {
      if (Characters.isDigit(text[i])) {
        return true;
      }
    }
    return false;
  }

  private static boolean isPart(int b) {
    return Characters.isAlphanumeric(b) || b == '/' || b == '+' || b == '_' || b == '-' || b == '.';
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
