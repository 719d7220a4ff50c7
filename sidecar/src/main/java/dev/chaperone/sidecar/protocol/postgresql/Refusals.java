package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.Decision;
import dev.chaperone.policy.sql.Masking;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.sidecar.gateway.Gate;
import dev.chaperone.sidecar.gateway.Refusal;
import java.util.Optional;

/** Says what the gate says of a judgement in PostgreSQL's words. */
final class Refusals {
  private Refusals() {}

  /** The error for an operation that may not run; empty where it may. Counts the operation. */
  static Optional<ErrorReply> admitted(Gate gate, Judgement judgement) {
    Optional<ErrorReply> unfit = unfit(gate, judgement);
    return unfit.isPresent()
        ? unfit
        : gate.admit(judgement.context().ruling(), judgement.decision().orElseThrow())
            .map(Refusals::errorReply);
  }

  /** The error for a statement that is only announced, where it is sure not to run. */
  static Optional<ErrorReply> announced(Gate gate, Judgement judgement) {
    Optional<ErrorReply> unfit = unfit(gate, judgement);
    return unfit.isPresent()
        ? unfit
        : gate.preview(judgement.decision().orElseThrow()).map(Refusals::errorReply);
  }

  /** What no policy can allow. */
  static ErrorReply guarded(Gate gate, String reason, String hint) {
    return errorReply(gate.guard(reason, hint));
  }

  /** Whether it is refused whatever policy says. */
  static boolean isUnfit(Judgement judgement) {
    return judgement.analysis() instanceof SqlAnalysis.Unreadable
        || judgement.refusal().isPresent()
        || judgement.maskRefusal().isPresent()
        || judgement.has(Consequence.GOES_ON_AFTER_UNKNOWN_CODE);
  }

  /** What is refused whatever policy says. */
  private static Optional<ErrorReply> unfit(Gate gate, Judgement judgement) {
    if (judgement.analysis() instanceof SqlAnalysis.Unreadable unreadable) {
      return Optional.of(ErrorReply.error(unreadable.sqlState(), unreadable.message()));
    }
    if (judgement.refusal().isPresent()) {
      return Optional.of(
          guarded(
              gate, judgement.refusal().get(), "No policy can allow this through the gateway."));
    }
    if (judgement.maskRefusal().isPresent() && isAllowed(judgement)) {
      Masking.Refused refused = judgement.maskRefusal().get();
      return Optional.of(errorReply(gate.mask(refused.reason(), refused.hint())));
    }
    if (judgement.has(Consequence.GOES_ON_AFTER_UNKNOWN_CODE) && isAllowed(judgement)) {
      return Optional.of(
          guarded(
              gate,
              "a statement follows one that runs functions which may change the search path",
              "Send each statement in a message of its own."));
    }
    return Optional.empty();
  }

  private static boolean isAllowed(Judgement judgement) {
    return !(judgement.decision().orElseThrow() instanceof Decision.Deny);
  }

  /** A refusal in PostgreSQL's words. */
  static ErrorReply errorReply(Refusal refusal) {
    return new ErrorReply(
        ErrorReply.Severity.ERROR,
        sqlState(refusal.kind()),
        refusal.message(),
        refusal.detail(),
        refusal.hint(),
        refusal.decision());
  }

  private static String sqlState(Refusal.Kind kind) {
    return switch (kind) {
      case RATE -> SqlState.CONFIGURATION_LIMIT_EXCEEDED;
      case UNAVAILABLE -> SqlState.IO_ERROR;
      case POLICY, GUARD, MASK, APPROVAL -> SqlState.INSUFFICIENT_PRIVILEGE;
    };
  }
}
