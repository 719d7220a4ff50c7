package dev.chaperone.policy.masking;

/**
 * International bank account numbers, in one run or in groups of four: the length that the IBAN
 * registry (ISO 13616) gives the country, and a valid mod 97 check (ISO/IEC 7064).
 */
final class IbanMatcher implements Matcher {
  /** By country; 0 where there is none. */
  private static final byte[] LENGTHS =
      lengths(
          """
      AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27
      DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28
      IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22
      MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24
      SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
      """);

  @Override
  public boolean triggers(int b) {
    return Characters.isUpper(b);
  }

  @Override
  public boolean follows(int before) {
    return !Characters.isAlphanumeric(before);
  }

  @Override
  public long match(byte[] text, int from, int at, int to) {
    if (!Characters.isUpper(Characters.at(text, from, at + 1, to))
        || !Characters.isDigit(Characters.at(text, from, at + 2, to))
        || !Characters.isDigit(Characters.at(text, from, at + 3, to))) {
      return NONE;
    }
    int length = LENGTHS[country(text[at], text[at + 1])];
    if (length == 0) {
      return NONE;
    }
    int end = end(text, at, to, length);
    boolean goesOn = Characters.isAlphanumeric(Characters.at(text, from, end, to));
    return end > 0 && !goesOn && isValid(text, at, end) ? Matcher.span(at, end) : NONE;
  }

  /** Behind so many characters, between which single blanks may stand; -1 where they are not. */
  private static int end(byte[] text, int start, int to, int length) {
    int characters = 0;
    int i = start;
    while (i < to && characters < length) {
      byte b = text[i];
      if (Characters.isUpper(b) || Characters.isDigit(b)) {
        characters++;
      } else if (b != ' ' || characters % 4 != 0 || text[i - 1] == ' ') {
        return -1;
      }
      i++;
    }
    return characters == length ? i : -1;
  }

  private static boolean isValid(byte[] text, int start, int end) {
    int remainder = 0;
    for (int i = start + 4; i < end; i++) {
      remainder = step(remainder, text[i]);
    }
    for (int i = start; i < start + 4; i++) {
      remainder = step(remainder, text[i]);
    }
    return remainder == 1;
  }

  private static int step(int remainder, byte b) {
    if (b == ' ') {
      return remainder;
    }
    return Characters.isDigit(b)
        ? (remainder * 10 + b - '0') % 97
        : (remainder * 100 + b - 'A' + 10) % 97;
  }

  private static int country(int first, int second) {
    return (first - 'A') * 26 + second - 'A';
  }

  private static byte[] lengths(String list) {
    byte[] lengths = new byte[26 * 26];
    for (String entry : list.strip().split("\\s+", -1)) {
      lengths[country(entry.charAt(0), entry.charAt(1))] = Byte.parseByte(entry.substring(2));
    }
    return lengths;
  }
}
