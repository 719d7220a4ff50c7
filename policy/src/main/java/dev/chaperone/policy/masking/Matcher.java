package dev.chaperone.policy.masking;

/** Recognises one kind of value. What it looks at per call is bounded, or skipped afterwards. */
interface Matcher {

  /** What {@link #match} answers where nothing is. */
  long NONE = -1;

  /** Whether a match may be found at a byte of this value. */
  boolean triggers(int b);

  /**
   * Whether a match may be found at a byte that stands behind one of this value.
   *
   * @param before 0 at the beginning of the text
   */
  boolean follows(int before);

  /**
   * Looks for a value around a byte that {@link #triggers} and {@link #follows}.
   *
   * @param text the text, of which {@code from} to {@code to} counts
   * @param at where the byte stands
   * @return {@link #span}, or {@link #NONE}
   */
  long match(byte[] text, int from, int at, int to);

  /** A part of the text. */
  static long span(int start, int end) {
    return (long) start << 32 | end;
  }

  static int start(long span) {
    return (int) (span >> 32);
  }

  static int end(long span) {
    return (int) span;
  }

  static Matcher of(Detector detector) {
    return switch (detector) {
      case CREDIT_CARD -> new CardNumberMatcher();
      case IBAN -> new IbanMatcher();
      case US_SSN -> new SocialSecurityNumberMatcher();
      case EMAIL -> new EmailMatcher();
      case PHONE -> new PhoneMatcher();
      case AWS_ACCESS_KEY -> new AwsAccessKeyMatcher();
      case AWS_SECRET_KEY -> new AwsSecretKeyMatcher();
      case PRIVATE_KEY -> new PrivateKeyMatcher();
      case JWT -> new JwtMatcher();
      case HIGH_ENTROPY_SECRET -> new SecretMatcher();
    };
  }
}
