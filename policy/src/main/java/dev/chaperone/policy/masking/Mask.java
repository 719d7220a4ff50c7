package dev.chaperone.policy.masking;

/** What replaces a protected value. Ordered from weakest to strictest. */
public enum Mask {
  /** The last four characters, or the shape of an e-mail address; short values as REDACT. */
  PARTIAL("Partial"),
  /** Other letters and digits of the same form. */
  FORMAT_PRESERVING("FormatPreserving"),
  /** A value that is the same for the same input within a session. */
  HASH("Hash"),
  /** No value. */
  NULL("Null"),
  /** A fixed text, also where there was no value. */
  REDACT("Redact");

  private final String label;

  Mask(String label) {
    this.label = label;
  }

  /** The name used in resources and messages. */
  public String label() {
    return label;
  }

  /** The stricter of the two. */
  public Mask and(Mask other) {
    return compareTo(other) >= 0 ? this : other;
  }
}
