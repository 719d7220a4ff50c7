package dev.chaperone.policy.masking;

import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * Access key ids of AWS: a prefix and 16 characters of base32 (AWS documentation, "IAM
 * identifiers").
 */
final class AwsAccessKeyMatcher implements Matcher {
  private static final int LENGTH = 20;
  private static final Set<String> PREFIXES =
      Set.of("AKIA", "ASIA", "ABIA", "ACCA", "AROA", "AIDA", "AGPA", "AIPA", "ANPA", "ANVA");

  @Override
  public boolean triggers(int b) {
    return b == 'A';
  }

  @Override
  public long match(byte[] text, int from, int at, int to) {
    int end = at + LENGTH;
    if (end > to
        || Characters.isAlphanumeric(Characters.at(text, from, at - 1, to))
        || Characters.isAlphanumeric(Characters.at(text, from, end, to))
        || !PREFIXES.contains(new String(text, at, 4, StandardCharsets.ISO_8859_1))) {
      return NONE;
    }
    for (int i = at + 4; i < end; i++) {
      if (!Characters.isUpper(text[i]) && (text[i] < '2' || text[i] > '7')) {
        return NONE;
      }
    }
    return Matcher.span(at, end);
  }
}
