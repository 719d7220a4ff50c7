package dev.chaperone.policy;

import java.util.Set;

/** A rule's {@code when}, ready to be evaluated. */
interface Condition {

  /** What became of an evaluation. */
  sealed interface Result {
    /** It came to true or false. */
    record Value(boolean holds) implements Result {}

    /** It could not be evaluated; {@code reason} holds no part of the statement. */
    record Failure(String reason) implements Result {}
  }

  /** Evaluates the condition for one part of an operation. */
  Result evaluate(Facts facts);

  /** What the outcome depends on besides the facts' structure. */
  Set<Dependency> dependencies();

  /** What a condition is evaluated over. */
  record Facts(
      Operation operation, Operation.Part part, Requester requester, java.time.Instant now) {}

  /** A condition that does not compile. */
  final class InvalidConditionException extends Exception {
    private static final long serialVersionUID = 1L;

    InvalidConditionException(String message) {
      super(message);
    }
  }
}
