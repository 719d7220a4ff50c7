package dev.chaperone.policy.masking;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Access key ids of AWS: a prefix and 16 characters of base32 (AWS documentation, "IAM
 * identifiers").
 */
final class AwsAccessKeyMatcher implements Matcher {
  private static final int LENGTH = 20;
  private static final List<byte[]> PREFIXES =
      Stream.of("AKIA", "ASIA", "ABIA", "ACCA", "AROA", "AIDA", "AGPA", "AIPA", "ANPA", "ANVA")
          .map(prefix -> prefix.getBytes(StandardCharsets.US_ASCII))
          .toList();

  @Override
  public boolean triggers(int b) {
    return b == 'A';
  }

  @Override
  public boolean follows(int before) {
    return !Characters.isAlphanumeric(before);
  }

  @Override
  public long match(byte[] text, int from, int at, int to) {
    int end = at + LENGTH;
    if (end > to
        || Characters.isAlphanumeric(Characters.at(text, from, end, to))
        || !isPrefix(text, at)) {
      return NONE;
    }
    for (int i = at + 4; i < end; i++) {
      if (!Characters.isUpper(text[i]) && (text[i] < '2' || text[i] > '7')) {
        return NONE;
      }
    }
    return Matcher.span(at, end);
  }

  private static boolean isPrefix(byte[] text, int at) {
    for (byte[] prefix : PREFIXES) {
      if (Arrays.equals(prefix, 0, prefix.length, text, at, at + prefix.length)) {
        return true;
      }
    }
    return false;
  }
}
