package dev.chaperone.recording;

/** What replaces the values of a column. Ordered from nothing to strictest. */
public enum MaskFunction {
  /** They are not replaced. */
  NONE(0, "none"),
  PARTIAL(1, "Partial"),
  FORMAT_PRESERVING(2, "FormatPreserving"),
  HASH(3, "Hash"),
  NULL(4, "Null"),
  REDACT(5, "Redact");

  private final int code;
  private final String label;

  MaskFunction(int code, String label) {
    this.code = code;
    this.label = label;
  }

  int code() {
    return code;
  }

  /** As policies spell it. */
  public String label() {
    return label;
  }

  boolean isWeakerThan(MaskFunction other) {
    return compareTo(other) < 0;
  }
}
