package dev.chaperone.policy;

import dev.chaperone.policy.Decision.AccessDecision;
import dev.chaperone.policy.Decision.Action;
import dev.chaperone.policy.Decision.Approval;
import dev.chaperone.policy.Decision.Basis;
import dev.chaperone.policy.Decision.Observation;
import dev.chaperone.policy.Decision.RuleReference;
import dev.chaperone.policy.Policy.Mode;
import dev.chaperone.policy.masking.MaskSource;
import dev.chaperone.policy.masking.Masks;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * All policies in force, compiled. Immutable; safe for use by any number of threads.
 *
 * <p>Per access, any matching Deny of any Enforce policy wins; else within one policy the first
 * matching rule decides and a policy without a match abstains; over policies the strictest wins; if
 * all abstain, the access is denied. An operation gets the strictest of its accesses. Observe
 * policies only add what they would have said.
 */
public final class PolicySet {
  private final long generation;
  private final Map<Connection, List<CompiledPolicy>> byConnection;

  private PolicySet(long generation, Map<Connection, List<CompiledPolicy>> byConnection) {
    this.generation = generation;
    this.byConnection = byConnection;
  }

  private record Connection(String namespace, String name) {}

  private record CompiledPolicy(Policy policy, List<CompiledRule> rules) {
    boolean appliesTo(Subject subject) {
      for (Policy.SubjectReference reference : policy.subjects()) {
        if (reference.matches(subject, policy.namespace())) {
          return true;
        }
      }
      return false;
    }

    boolean enforces() {
      return policy.mode() == Mode.ENFORCE;
    }
  }

  /**
   * Compiles policies.
   *
   * @param generation a number that grows with every change of any of them
   * @throws PolicyException if one of them cannot be put in force
   */
  public static PolicySet of(long generation, Collection<Policy> policies) {
    Map<Connection, List<CompiledPolicy>> byConnection = new HashMap<>();
    List<Policy> ordered =
        policies.stream()
            .sorted(Comparator.comparing(Policy::namespace).thenComparing(Policy::name))
            .toList();
    Policy previous = null;
    for (Policy policy : ordered) {
      if (previous != null
          && previous.namespace().equals(policy.namespace())
          && previous.name().equals(policy.name())) {
        throw new PolicyException(
            policy.namespace(), policy.name(), "", "metadata.name", "there are two of this name");
      }
      previous = policy;
      CompiledPolicy compiled = compile(policy);
      for (String connection : policy.connections()) {
        byConnection
            .computeIfAbsent(
                new Connection(policy.namespace(), connection), key -> new ArrayList<>())
            .add(compiled);
      }
    }
    byConnection.replaceAll((connection, compiled) -> List.copyOf(compiled));
    return new PolicySet(generation, Map.copyOf(byConnection));
  }

  private static CompiledPolicy compile(Policy policy) {
    List<CompiledRule> rules = new ArrayList<>();
    Set<String> names = new LinkedHashSet<>();
    for (int i = 0; i < policy.rules().size(); i++) {
      CompiledRule rule = CompiledRule.of(policy, i);
      if (!names.add(rule.rule().name())) {
        throw new PolicyException(
            policy.namespace(),
            policy.name(),
            rule.rule().name(),
            "spec.rules[" + i + "].name",
            "an earlier rule has the same name");
      }
      rules.add(rule);
    }
    return new CompiledPolicy(policy, List.copyOf(rules));
  }

  /** The generation this set was compiled as. */
  public long generation() {
    return generation;
  }

  /** The limits of all Enforce policies that govern the requester; of each the smallest. */
  public Limits limits(Requester requester) {
    return Limits.smallest(
        applicable(requester).stream()
            .filter(CompiledPolicy::enforces)
            .map(compiled -> compiled.policy().limits())
            .toList());
  }

  /** What the requester sees masked: the masks of all policies, Observe policies too, added up. */
  public Masks masks(Requester requester) {
    return Masks.of(
        applicable(requester).stream()
            .flatMap(compiled -> compiled.policy().masking().stream())
            .toList());
  }

  /** The entries that {@link #masks} adds up, each with where it stands. */
  public List<MaskSource> maskSources(Requester requester) {
    List<MaskSource> sources = new ArrayList<>();
    for (CompiledPolicy compiled : applicable(requester)) {
      Policy policy = compiled.policy();
      for (int i = 0; i < policy.masking().size(); i++) {
        sources.add(
            new MaskSource(
                policy.namespace(),
                policy.name(),
                policy.uid(),
                policy.generation(),
                i,
                policy.masking().get(i)));
      }
    }
    return List.copyOf(sources);
  }

  /** The policies that govern the requester, in the order they are consulted. */
  public List<Policy> policies(Requester requester) {
    return applicable(requester).stream().map(CompiledPolicy::policy).toList();
  }

  /** Decides an operation. */
  public Decision decide(Operation operation, Requester requester, Instant now) {
    Objects.requireNonNull(operation, "operation");
    Objects.requireNonNull(requester, "requester");
    Objects.requireNonNull(now, "now");
    return new Evaluation(operation, requester, now, false).decision();
  }

  /** Decides an operation and tells what every rule had to say. */
  public Explanation explain(Operation operation, Requester requester, Instant now) {
    Evaluation evaluation = new Evaluation(operation, requester, now, true);
    Decision decision = evaluation.decision();
    return new Explanation(decision, evaluation.explained);
  }

  private List<CompiledPolicy> applicable(Requester requester) {
    List<CompiledPolicy> named =
        byConnection.getOrDefault(
            new Connection(requester.namespace(), requester.connection()), List.of());
    return named.stream().filter(policy -> policy.appliesTo(requester.subject())).toList();
  }

  /** One decision in the making. */
  private final class Evaluation {
    private final Operation operation;
    private final Requester requester;
    private final Instant now;
    private final boolean explaining;
    private final List<CompiledPolicy> enforced;
    private final List<CompiledPolicy> observing;
    private final Set<Dependency> dependencies = EnumSet.noneOf(Dependency.class);
    private final List<AccessDecision> accesses = new ArrayList<>();
    private final Set<Observation> observed = new LinkedHashSet<>();
    private final Set<CompiledRule> approvals = new LinkedHashSet<>();
    private final List<Explanation.OfAccess> explained = new ArrayList<>();
    private Optional<Verdict> worst = Optional.empty();

    Evaluation(Operation operation, Requester requester, Instant now, boolean explaining) {
      this.operation = operation;
      this.requester = requester;
      this.now = now;
      this.explaining = explaining;
      List<CompiledPolicy> applicable = applicable(requester);
      this.enforced = applicable.stream().filter(CompiledPolicy::enforces).toList();
      this.observing = applicable.stream().filter(p -> !p.enforces()).toList();
      this.dependencies.addAll(operation.dependencies());
    }

    /** What decided an access; the rule is null where every policy abstained. */
    private record Verdict(Access access, Action action, CompiledRule rule) {
      Optional<RuleReference> reference() {
        return Optional.ofNullable(rule).map(CompiledRule::reference);
      }
    }

    Decision decision() {
      for (int i = 0; i < operation.parts().size(); i++) {
        Operation.Part part = operation.parts().get(i);
        Condition.Facts facts = new Condition.Facts(operation, part, requester, now);
        for (Access access : part.accesses()) {
          judge(i, access, facts);
        }
      }
      if (enforced.isEmpty()) {
        return observing.isEmpty() ? denyWithoutPolicy() : allow("only Observe policies apply");
      }
      if (worst.isEmpty()) {
        return decideNeutral();
      }
      // A neutral part beside others needs no look of its own: if nothing allows anything, the
      // others are denied already.
      Verdict verdict = worst.get();
      return switch (verdict.action()) {
        case ALLOW -> allow("allowed by rule " + verdict.rule().reference());
        case REQUIRE_APPROVAL -> requireApproval(verdict);
        case DENY -> deny(verdict);
      };
    }

    private void judge(int part, Access access, Condition.Facts facts) {
      Verdict verdict = decideAccess(access, facts);
      observe(access, facts);
      accesses.add(new AccessDecision(access, verdict.action(), verdict.reference()));
      if (worst.isEmpty() || verdict.action().compareTo(worst.get().action()) > 0) {
        worst = Optional.of(verdict);
      }
      if (explaining) {
        explained.add(explain(part, access, facts, verdict));
      }
    }

    private Verdict decideAccess(Access access, Condition.Facts facts) {
      if (enforced.isEmpty()) {
        return new Verdict(access, observing.isEmpty() ? Action.DENY : Action.ALLOW, null);
      }
      CompiledRule strictest = null;
      List<CompiledRule> asking = new ArrayList<>();
      for (CompiledPolicy policy : enforced) {
        CompiledRule rule = decidingRule(policy, access, facts);
        if (rule == null) {
          continue;
        }
        if (rule.action() == Action.DENY) {
          return new Verdict(access, Action.DENY, rule);
        }
        if (rule.action() == Action.REQUIRE_APPROVAL) {
          asking.add(rule);
        }
        if (strictest == null || rule.action().compareTo(strictest.action()) > 0) {
          strictest = rule;
        }
      }
      approvals.addAll(asking);
      return strictest == null
          ? new Verdict(access, Action.DENY, null)
          : new Verdict(access, strictest.action(), strictest);
    }

    /** The rule with which a policy answers, or null where it abstains. */
    private CompiledRule decidingRule(CompiledPolicy policy, Access access, Condition.Facts facts) {
      CompiledRule first = null;
      for (CompiledRule rule : policy.rules()) {
        boolean canDecide = first == null || rule.action() == Action.DENY;
        if (canDecide && rule.match(access, facts, dependencies).matched()) {
          if (rule.action() == Action.DENY) {
            return rule;
          }
          first = rule;
        }
      }
      return first;
    }

    private void observe(Access access, Condition.Facts facts) {
      boolean silent = true;
      for (CompiledPolicy policy : observing) {
        CompiledRule rule = decidingRule(policy, access, facts);
        if (rule != null) {
          silent = false;
          observed.add(new Observation(rule.reference(), rule.action()));
        }
      }
      if (silent && enforced.isEmpty()) {
        // Were they enforced, all would abstain: the access would be denied.
        for (CompiledPolicy policy : observing) {
          observed.add(new Observation(withoutRule(policy.policy()), Action.DENY));
        }
      }
    }

    private RuleReference withoutRule(Policy policy) {
      return new RuleReference(
          policy.namespace(), policy.name(), policy.uid(), policy.generation(), "");
    }

    private Decision decideNeutral() {
      Optional<CompiledRule> opening =
          enforced.stream()
              .flatMap(policy -> policy.rules().stream())
              .filter(rule -> rule.action() != Action.DENY)
              .findFirst();
      if (opening.isPresent()) {
        return new Decision.Allow(
            basis(Optional.empty(), "touches nothing that policy governs (neutral)"));
      }
      String message = "No rule allows anything to " + who() + " on this connection.";
      return new Decision.Deny(basis(Optional.empty(), message), message, hint());
    }

    private Decision denyWithoutPolicy() {
      String message =
          "No policy governs " + who() + " on connection " + requester.connection() + ".";
      return new Decision.Deny(
          basis(Optional.empty(), message),
          message,
          "An AccessPolicy in namespace "
              + requester.namespace()
              + " must name the connection "
              + requester.connection()
              + " and the subject ServiceAccount "
              + requester.subject().serviceAccount()
              + ". Ask those who manage that namespace.");
    }

    private Decision allow(String reason) {
      return new Decision.Allow(basis(worst.flatMap(Verdict::reference), reason));
    }

    private Decision deny(Verdict verdict) {
      String what = describe(verdict.access());
      if (verdict.rule() == null) {
        String message = "No rule allows " + what + ".";
        return new Decision.Deny(basis(Optional.empty(), message), message, hint());
      }
      String reason = what + " is denied by rule " + verdict.rule().reference() + ".";
      String message = verdict.rule().rule().message().orElse(reason);
      return new Decision.Deny(basis(verdict.reference(), reason), message, hint());
    }

    private Decision requireApproval(Verdict verdict) {
      String what = describe(verdict.access());
      List<CompiledRule> asking = List.copyOf(approvals);
      Optional<Approval> terms =
          Approvals.all(asking.stream().map(rule -> rule.rule().approval().orElseThrow()).toList());
      if (terms.isEmpty()) {
        String rules =
            asking.stream()
                .map(rule -> rule.reference().toString())
                .collect(Collectors.joining(", "));
        String message =
            "The operation needs approval under several rules that have no approver in common ("
                + rules
                + ").";
        return new Decision.Deny(
            basis(verdict.reference(), message),
            message,
            "Split the operation so that each part needs one of these rules. " + hint());
      }
      String reason = what + " needs approval under rule " + verdict.rule().reference() + ".";
      return new Decision.RequireApproval(
          basis(verdict.reference(), reason),
          asking.stream().map(CompiledRule::reference).toList(),
          terms.get());
    }

    private Basis basis(Optional<RuleReference> rule, String reason) {
      return new Basis(generation, rule, reason, accesses, List.copyOf(observed), dependencies);
    }

    private String who() {
      return "service account " + requester.subject().serviceAccount();
    }

    private String describe(Access access) {
      String what =
          VisibleText.shortened(access.command())
              + " on "
              + VisibleText.shortened(access.resource());
      return access.effect() == Effect.UNKNOWN
          ? what + " (effect Unknown: the gateway cannot tell what it does)"
          : what + " (effect " + access.effect().label() + ")";
    }

    private String hint() {
      List<String> allowed = describeAll(Action.ALLOW);
      List<String> approvable = describeAll(Action.REQUIRE_APPROVAL);
      StringBuilder hint = new StringBuilder();
      if (!allowed.isEmpty()) {
        hint.append("Allowed here: ").append(String.join("; ", allowed)).append(". ");
      }
      if (!approvable.isEmpty()) {
        hint.append("With approval: ").append(String.join("; ", approvable)).append(". ");
      }
      if (hint.length() == 0) {
        hint.append("Nothing is allowed here. ");
      }
      List<String> owners =
          enforced.stream()
              .map(policy -> policy.policy().namespace() + "/" + policy.policy().name())
              .toList();
      hint.append("Ask the owners of AccessPolicy ")
          .append(String.join(" or ", owners.subList(0, Math.min(3, owners.size()))))
          .append(" for more.");
      return hint.toString();
    }

    private List<String> describeAll(Action action) {
      List<String> descriptions =
          enforced.stream()
              .flatMap(policy -> policy.rules().stream())
              .filter(rule -> rule.action() == action)
              .map(CompiledRule::describe)
              .distinct()
              .toList();
      if (descriptions.size() <= 5) {
        return descriptions;
      }
      List<String> few = new ArrayList<>(descriptions.subList(0, 5));
      few.add("and " + (descriptions.size() - 5) + " more");
      return few;
    }

    private Explanation.OfAccess explain(
        int part, Access access, Condition.Facts facts, Verdict verdict) {
      List<Explanation.OfPolicy> policies = new ArrayList<>();
      List<CompiledPolicy> all = new ArrayList<>(enforced);
      all.addAll(observing);
      for (CompiledPolicy policy : all) {
        List<Explanation.OfRule> rules = new ArrayList<>();
        for (CompiledRule rule : policy.rules()) {
          CompiledRule.Match match = rule.match(access, facts, EnumSet.noneOf(Dependency.class));
          rules.add(
              new Explanation.OfRule(
                  rule.rule().name(),
                  rule.action(),
                  match.verdict(),
                  match.detail(),
                  rule.equals(verdict.rule())));
        }
        policies.add(
            new Explanation.OfPolicy(
                policy.policy().namespace(),
                policy.policy().name(),
                policy.policy().mode(),
                rules));
      }
      return new Explanation.OfAccess(
          part, access, verdict.action(), verdict.reference(), policies);
    }
  }
}
