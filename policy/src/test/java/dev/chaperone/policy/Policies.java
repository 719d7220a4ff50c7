package dev.chaperone.policy;

import dev.chaperone.policy.Decision.Action;
import dev.chaperone.policy.Decision.Approval;
import dev.chaperone.policy.Policy.Mode;
import dev.chaperone.policy.Policy.SubjectReference;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Short ways to write policies and operations in tests. */
final class Policies {
  static final Instant NOW = Instant.parse("2026-11-21T10:00:00Z");
  static final Subject AGENT = new Subject("support", "agent", Optional.empty(), Set.of());
  static final Requester REQUESTER =
      new Requester(AGENT, "support", "orders", Map.of("database", "orders"));
  static final Approval DBA = approval(Set.of(), Set.of("dba"));

  private Policies() {}

  static Approval approval(Set<String> users, Set<String> groups) {
    return new Approval(
        users,
        groups,
        false,
        1,
        Duration.ofMinutes(15),
        Approval.InTransaction.UNLESS_WRITTEN,
        Approval.Scope.ONCE,
        Duration.ofMinutes(10));
  }

  static Policy policy(String name, Mode mode, Rule... rules) {
    return new Policy(
        "support",
        name,
        "uid-" + name,
        1,
        Set.of("orders"),
        List.of(new SubjectReference(SubjectReference.Kind.SERVICE_ACCOUNT, "agent")),
        mode,
        List.of(rules),
        List.of(),
        Limits.NONE);
  }

  static Policy enforce(String name, Rule... rules) {
    return policy(name, Mode.ENFORCE, rules);
  }

  static Policy observe(String name, Rule... rules) {
    return policy(name, Mode.OBSERVE, rules);
  }

  /** A rule written as {@code name}, action, effects; refined by the {@code with} methods. */
  static Rule rule(String name, Action action, Effect... effects) {
    return new Rule(
        name,
        Set.of(effects),
        List.of(),
        List.of(),
        Optional.empty(),
        action,
        action == Action.REQUIRE_APPROVAL ? Optional.of(DBA) : Optional.empty(),
        Optional.empty());
  }

  static Rule allow(String name, Effect... effects) {
    return rule(name, Action.ALLOW, effects);
  }

  static Rule ask(String name, Effect... effects) {
    return rule(name, Action.REQUIRE_APPROVAL, effects);
  }

  static Rule deny(String name, Effect... effects) {
    return rule(name, Action.DENY, effects);
  }

  static Rule commands(Rule r, String... commands) {
    return new Rule(
        r.name(),
        r.effects(),
        List.of(commands),
        r.resources(),
        r.when(),
        r.action(),
        r.approval(),
        r.message());
  }

  static Rule resources(Rule r, String... resources) {
    return new Rule(
        r.name(),
        r.effects(),
        r.commands(),
        List.of(resources),
        r.when(),
        r.action(),
        r.approval(),
        r.message());
  }

  static Rule when(Rule r, String when) {
    return new Rule(
        r.name(),
        r.effects(),
        r.commands(),
        r.resources(),
        Optional.of(when),
        r.action(),
        r.approval(),
        r.message());
  }

  static Rule message(Rule r, String message) {
    return new Rule(
        r.name(),
        r.effects(),
        r.commands(),
        r.resources(),
        r.when(),
        r.action(),
        r.approval(),
        Optional.of(message));
  }

  static Rule approval(Rule r, Approval approval) {
    return new Rule(
        r.name(),
        r.effects(),
        r.commands(),
        r.resources(),
        r.when(),
        r.action(),
        Optional.of(approval),
        r.message());
  }

  static Access access(Effect effect, String command, String resource) {
    return new Access(effect, command, resource);
  }

  static final Access READ = access(Effect.READ, "SELECT", "public.tickets");
  static final Access WRITE = access(Effect.WRITE, "UPDATE", "public.tickets");
  static final Access DROP = access(Effect.SCHEMA, "DROP TABLE", "public.tickets");
  static final Access UNKNOWN = access(Effect.UNKNOWN, "SELECT", "public.tickets");

  static Operation operation(Access... accesses) {
    return operation(Map.of(), accesses);
  }

  static Operation operation(Map<String, Object> attributes, Access... accesses) {
    return new Operation(
        "PostgreSQL",
        "SELECT 'secret literal'",
        List.of(
            new Operation.Part(
                accesses.length == 0 ? "BEGIN" : accesses[0].command(),
                Arrays.asList(accesses),
                attributes)),
        Set.of());
  }

  static Decision decide(Operation operation, Policy... policies) {
    return PolicySet.of(7, List.of(policies)).decide(operation, REQUESTER, NOW);
  }
}
