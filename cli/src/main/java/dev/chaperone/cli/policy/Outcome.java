package dev.chaperone.cli.policy;

import dev.chaperone.control.resource.PolicyTests.Expectation;
import dev.chaperone.crds.v1alpha1.RuleAction;
import dev.chaperone.policy.Decision;
import dev.chaperone.policy.sql.Masking;
import dev.chaperone.policy.sql.SqlAnalysis;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What the gateway would do with a text.
 *
 * @param decision what becomes of it
 * @param rule the deciding rule, as {@code policy/rule}; empty where none decides
 * @param reason why, in one line
 * @param masked the columns of its results that come masked, in order
 */
record Outcome(RuleAction decision, String rule, String reason, List<String> masked) {

  /** Where an outcome is not what was expected: which field says so, and what was there. */
  record Mismatch(String field, String message) {}

  static Outcome of(OfflineJudge judge, String sql, Instant at) {
    SqlAnalysis analysis = judge.analyze(sql);
    if (!(analysis instanceof SqlAnalysis.Understood understood)) {
      return refused("it cannot be read: " + ((SqlAnalysis.Unreadable) analysis).message());
    }
    if (understood.refusal().isPresent()) {
      return refused("refused under any policy: " + understood.refusal().get());
    }
    Decision decision = judge.explain(understood, at).decision();
    String rule = decision.basis().rule().map(Decision.RuleReference::toString).orElse("");
    if (decision instanceof Decision.Deny deny) {
      return new Outcome(RuleAction.DENY, rule, deny.message(), List.of());
    }
    if (understood.maskingRefusal().isPresent()) {
      return refused(understood.maskingRefusal().get().reason());
    }
    List<String> masked = new ArrayList<>();
    understood.statements().stream()
        .map(statement -> statement.masking())
        .filter(Masking.Projects.class::isInstance)
        .forEach(masking -> masked.addAll(((Masking.Projects) masking).columns()));
    return new Outcome(
        decision instanceof Decision.Allow ? RuleAction.ALLOW : RuleAction.REQUIRE_APPROVAL,
        rule,
        decision.basis().reason(),
        masked);
  }

  private static Outcome refused(String reason) {
    return new Outcome(RuleAction.DENY, "", reason, List.of());
  }

  /** What is not as expected, if anything; of several things the first. */
  Optional<Mismatch> against(Expectation expected) {
    if (decision != expected.decision()) {
      return Optional.of(new Mismatch("decision", "is " + label(decision) + ruleAndReason()));
    }
    if (expected.rule() != null && !expected.rule().equals(rule)) {
      return Optional.of(
          new Mismatch(
              "rule", rule.isEmpty() ? "no rule decides" + ruleAndReason() : "is by " + rule));
    }
    if (expected.masked() != null && !expected.masked().equals(masked)) {
      return Optional.of(
          new Mismatch(
              "masked",
              masked.isEmpty() ? "nothing is masked" : "masked are " + String.join(", ", masked)));
    }
    return Optional.empty();
  }

  private String ruleAndReason() {
    return (rule.isEmpty() ? "" : " by " + rule) + (reason.isEmpty() ? "" : ": " + reason);
  }

  private static String label(RuleAction action) {
    return switch (action) {
      case ALLOW -> "Allow";
      case REQUIRE_APPROVAL -> "RequireApproval";
      case DENY -> "Deny";
    };
  }
}
