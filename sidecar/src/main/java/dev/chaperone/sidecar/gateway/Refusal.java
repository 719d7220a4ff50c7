package dev.chaperone.sidecar.gateway;

import java.util.Objects;

/**
 * Why an operation is not forwarded, in words for the agent; each protocol writes it as its own
 * kind of error.
 *
 * @param kind what it is about
 * @param message one sentence: what happened
 * @param detail rule and decision id; empty for none
 * @param decision the decision id by itself
 * @param hint what would be allowed and how to ask; empty for none
 */
public record Refusal(Kind kind, String message, String detail, String decision, String hint) {

  /** What a refusal is about; also the tag of the metric. */
  public enum Kind {
    /** A rule, or no rule, of the policies. */
    POLICY("policy"),
    /** No policy could allow it: it would take away what the gateway rests on. */
    GUARD("guard"),
    /** It would show or use values that are masked. */
    MASK("mask"),
    /** It needs approval and does not get it. */
    APPROVAL("approval"),
    /** What it needs besides policy's leave cannot be had at this moment. */
    UNAVAILABLE("unavailable"),
    /** Too many operations in the last minute. */
    RATE("rate");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    /** The metric tag's value. */
    public String label() {
      return label;
    }
  }

  public Refusal {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(message, "message");
    Objects.requireNonNull(detail, "detail");
    Objects.requireNonNull(decision, "decision");
    Objects.requireNonNull(hint, "hint");
  }
}
