package dev.chaperone.policy;

import dev.chaperone.policy.Decision.Action;
import dev.chaperone.policy.Decision.RuleReference;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A decision with everything that led to it, for a reader.
 *
 * @param decision what was decided
 * @param accesses each access in the operation's order, with what every policy says of it
 */
public record Explanation(Decision decision, List<OfAccess> accesses) {
  public Explanation {
    Objects.requireNonNull(decision, "decision");
    accesses = List.copyOf(accesses);
  }

  /**
   * What is said of one access.
   *
   * @param part the index of the part it belongs to
   * @param access the access
   * @param action what became of it
   * @param decidedBy the rule that decided, or empty where every policy abstained
   * @param policies what each policy that applies says
   */
  public record OfAccess(
      int part,
      Access access,
      Action action,
      Optional<RuleReference> decidedBy,
      List<OfPolicy> policies) {
    public OfAccess {
      policies = List.copyOf(policies);
    }
  }

  /** What one policy says of an access: the verdict on each of its rules, in order. */
  public record OfPolicy(String namespace, String policy, Policy.Mode mode, List<OfRule> rules) {
    public OfPolicy {
      rules = List.copyOf(rules);
    }
  }

  /** Whether one rule matches an access, and if not, why. */
  public record OfRule(
      String rule, Action action, Verdict verdict, String detail, boolean decides) {
    /** Whether the rule matches. */
    public boolean matched() {
      return verdict == Verdict.MATCHED || verdict == Verdict.MATCHED_BY_ERROR;
    }
  }

  /** Why a rule matches or does not. */
  public enum Verdict {
    /** Everything the rule names matches. */
    MATCHED,
    /** The condition failed, which counts as matching for Deny and RequireApproval. */
    MATCHED_BY_ERROR,
    /** The effect is not one the rule names. */
    OTHER_EFFECT,
    /** The effect is Unknown, and the rule does not name it. */
    UNKNOWN_NOT_NAMED,
    /** No glob matches the command. */
    OTHER_COMMAND,
    /** No glob matches the resource. */
    OTHER_RESOURCE,
    /** The condition is false. */
    CONDITION_FALSE,
    /** The condition failed, which counts as not matching for Allow. */
    CONDITION_FAILED
  }
}
