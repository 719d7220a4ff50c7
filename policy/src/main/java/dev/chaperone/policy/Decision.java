package dev.chaperone.policy;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** What policy says of an operation. */
public sealed interface Decision {

  /** How it came about. */
  Basis basis();

  /** The operation may go on. */
  record Allow(Basis basis) implements Decision {
    public Allow {
      Objects.requireNonNull(basis, "basis");
    }
  }

  /**
   * The operation waits for a human.
   *
   * @param rules every rule that asks, in the order they were met; at least one
   * @param approval terms that satisfy each of them
   */
  record RequireApproval(Basis basis, List<RuleReference> rules, Approval approval)
      implements Decision {
    public RequireApproval {
      Objects.requireNonNull(basis, "basis");
      rules = List.copyOf(rules);
      Objects.requireNonNull(approval, "approval");
    }
  }

  /**
   * The operation is refused.
   *
   * @param message one sentence for the agent: the rule's own message, or what happened
   * @param hint what would be allowed and how to ask
   */
  record Deny(Basis basis, String message, String hint) implements Decision {
    public Deny {
      Objects.requireNonNull(basis, "basis");
      Objects.requireNonNull(message, "message");
      Objects.requireNonNull(hint, "hint");
    }
  }

  /**
   * How a decision came about.
   *
   * @param generation the generation of the policy set that decided
   * @param rule the deciding rule, or empty where no rule matched
   * @param reason why, in one line, safe to show to the agent
   * @param accesses how each access was decided, in the operation's order
   * @param observed what Observe policies would have said
   * @param dependencies what the decision depended on; a superset of the operation's
   */
  record Basis(
      long generation,
      Optional<RuleReference> rule,
      String reason,
      List<AccessDecision> accesses,
      List<Observation> observed,
      Set<Dependency> dependencies) {
    public Basis {
      Objects.requireNonNull(rule, "rule");
      Objects.requireNonNull(reason, "reason");
      accesses = List.copyOf(accesses);
      observed = List.copyOf(observed);
      dependencies = Set.copyOf(dependencies);
    }
  }

  /** How one access was decided; {@code rule} is empty where every policy abstained. */
  record AccessDecision(Access access, Action action, Optional<RuleReference> rule) {}

  /** What an Observe policy would have decided. */
  record Observation(RuleReference rule, Action action) {}

  /**
   * One rule of one policy, as messages and recordings name it. An empty {@code rule} says that
   * none of the policy's rules matched; only an {@link Observation} holds such a reference.
   */
  record RuleReference(String namespace, String policy, String uid, long generation, String rule) {
    @Override
    public String toString() {
      return rule.isEmpty() ? policy : policy + "/" + rule;
    }
  }

  /** What a rule does. Ordered from weakest to strictest. */
  enum Action {
    ALLOW("Allow"),
    REQUIRE_APPROVAL("RequireApproval"),
    DENY("Deny");

    private final String label;

    Action(String label) {
      this.label = label;
    }

    /** The name used in resources, messages and recordings. */
    public String label() {
      return label;
    }
  }

  /** Who must approve, how many, and what an approval then gives. */
  record Approval(
      Set<String> users,
      Set<String> groups,
      boolean humansOnly,
      int count,
      Duration timeout,
      InTransaction inTransaction,
      Scope scope,
      Duration grantDuration) {
    /** What happens to an operation that needs approval inside an open transaction. */
    public enum InTransaction {
      UNLESS_WRITTEN,
      HOLD,
      REFUSE
    }

    /** What a grant covers. */
    public enum Scope {
      ONCE,
      SESSION
    }
  }
}
