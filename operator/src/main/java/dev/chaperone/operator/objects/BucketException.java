package dev.chaperone.operator.objects;

import java.io.IOException;

/** Object storage did not do what it was asked for. Says nothing of credentials. */
public final class BucketException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Why, as it is told apart. */
  public enum Reason {
    /** There is no such object, version or upload. */
    MISSING("missing"),
    /** It knows us not, or does not let us, or the object is locked. */
    DENIED("denied"),
    /** It does not answer, or not in time. */
    AWAY("away"),
    /** What it has is not what was sent there. */
    CHANGED("changed"),
    /** Anything else. */
    FAILED("failed");

    private final String label;

    Reason(String label) {
      this.label = label;
    }

    /** One word, for metrics. */
    public String label() {
      return label;
    }
  }

  private final Reason reason;

  /** With a message for people. */
  public BucketException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }
}
