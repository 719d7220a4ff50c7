package dev.chaperone.policy;

import dev.chaperone.policy.Decision.Action;
import dev.chaperone.policy.Decision.Approval;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * One rule of a policy. Effects, commands, resources and condition must all match; what is omitted
 * matches everything, with one exception: an Allow or RequireApproval rule matches {@link
 * Effect#UNKNOWN} only where {@code effects} names it.
 *
 * @param name unique in its policy
 * @param effects empty where omitted
 * @param commands globs over the protocol's own words, in any case; empty where omitted
 * @param resources globs over canonical names; empty where omitted
 * @param when a CEL condition over {@code operation}, {@code session}, {@code subject} and {@code
 *     now}
 * @param action what the rule does with what it matches
 * @param approval present where, and only where, {@code action} is RequireApproval
 * @param message what the agent is told where this rule denies
 */
public record Rule(
    String name,
    Set<Effect> effects,
    List<String> commands,
    List<String> resources,
    Optional<String> when,
    Action action,
    Optional<Approval> approval,
    Optional<String> message) {
  public Rule {
    Objects.requireNonNull(name, "name");
    effects = Set.copyOf(effects);
    commands = List.copyOf(commands);
    resources = List.copyOf(resources);
    Objects.requireNonNull(when, "when");
    Objects.requireNonNull(action, "action");
    Objects.requireNonNull(approval, "approval");
    Objects.requireNonNull(message, "message");
    if (approval.isPresent() != (action == Action.REQUIRE_APPROVAL)) {
      throw new IllegalArgumentException(
          "rule " + name + ": approval terms belong to RequireApproval, and only there");
    }
  }
}
