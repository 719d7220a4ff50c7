package dev.chaperone.policy;

import dev.chaperone.policy.Decision.Action;
import dev.chaperone.policy.Decision.RuleReference;
import dev.chaperone.policy.Explanation.Verdict;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A rule ready to be matched. */
record CompiledRule(
    Rule rule,
    RuleReference reference,
    List<Glob> commands,
    List<Glob> resources,
    Optional<Condition> condition) {

  static CompiledRule of(Policy policy, int index) {
    Rule rule = policy.rules().get(index);
    Optional<Condition> condition = Optional.empty();
    if (rule.when().isPresent()) {
      try {
        condition = Optional.of(CelConditions.compile(rule.when().get()));
      } catch (Condition.InvalidConditionException e) {
        throw new PolicyException(
            policy.namespace(),
            policy.name(),
            rule.name(),
            "spec.rules[" + index + "].when",
            e.getMessage());
      }
    }
    return new CompiledRule(
        rule,
        new RuleReference(
            policy.namespace(), policy.name(), policy.uid(), policy.generation(), rule.name()),
        rule.commands().stream().map(Glob::command).toList(),
        rule.resources().stream().map(Glob::resource).toList(),
        condition);
  }

  Action action() {
    return rule.action();
  }

  /** A verdict and what it says to a reader. */
  record Match(Verdict verdict, String detail) {
    boolean matched() {
      return verdict == Verdict.MATCHED || verdict == Verdict.MATCHED_BY_ERROR;
    }
  }

  private static final Match MATCHED = new Match(Verdict.MATCHED, "");

  /**
   * Matches one access.
   *
   * @param consulted receives what the outcome depends on
   */
  Match match(Access access, Condition.Facts facts, Set<Dependency> consulted) {
    Match structural = matchStructure(access);
    if (structural.verdict() != Verdict.MATCHED || condition.isEmpty()) {
      return structural;
    }
    Condition when = condition.get();
    consulted.addAll(when.dependencies());
    Condition.Result result = when.evaluate(facts);
    if (result instanceof Condition.Result.Failure failure) {
      return action() == Action.ALLOW
          ? new Match(
              Verdict.CONDITION_FAILED,
              failure.reason() + "; for an Allow rule that counts as not matching")
          : new Match(
              Verdict.MATCHED_BY_ERROR,
              failure.reason() + "; for " + action().label() + " that counts as matching");
    }
    return ((Condition.Result.Value) result).holds()
        ? MATCHED
        : new Match(Verdict.CONDITION_FALSE, "when is false: " + rule.when().orElseThrow());
  }

  private Match matchStructure(Access access) {
    Effect effect = access.effect();
    if (rule.effects().isEmpty()) {
      if (effect == Effect.UNKNOWN && action() != Action.DENY) {
        return new Match(
            Verdict.UNKNOWN_NOT_NAMED,
            "only a rule whose effects name Unknown can " + verb(action()) + " it");
      }
    } else if (!rule.effects().contains(effect)) {
      return new Match(
          Verdict.OTHER_EFFECT,
          "effect " + effect.label() + " is not one of " + labels(rule.effects()));
    }
    if (!commands.isEmpty() && !matches(commands, access.command())) {
      return new Match(
          Verdict.OTHER_COMMAND,
          "command "
              + VisibleText.shortened(access.command())
              + " matches none of "
              + rule.commands());
    }
    if (!resources.isEmpty() && !matches(resources, access.resource())) {
      return new Match(
          Verdict.OTHER_RESOURCE,
          "resource "
              + VisibleText.shortened(access.resource())
              + " matches none of "
              + rule.resources());
    }
    return MATCHED;
  }

  private static boolean matches(List<Glob> globs, String text) {
    for (Glob glob : globs) {
      if (glob.matches(text)) {
        return true;
      }
    }
    return false;
  }

  private static String verb(Action action) {
    return action == Action.ALLOW ? "allow" : "ask for approval of";
  }

  static List<String> labels(Set<Effect> effects) {
    return effects.stream().sorted().map(Effect::label).toList();
  }

  /** What this rule lets through, in a few words. */
  String describe() {
    StringBuilder text = new StringBuilder();
    text.append(rule.effects().isEmpty() ? "any effect" : String.join("/", labels(rule.effects())));
    if (!rule.commands().isEmpty()) {
      text.append(" by ").append(few(rule.commands()));
    }
    if (!rule.resources().isEmpty()) {
      text.append(" on ").append(few(rule.resources()));
    }
    if (rule.when().isPresent()) {
      text.append(" under a condition");
    }
    return text.toString();
  }

  private static String few(List<String> items) {
    return items.size() <= 4
        ? String.join(", ", items)
        : String.join(", ", items.subList(0, 4)) + ", ...";
  }
}
