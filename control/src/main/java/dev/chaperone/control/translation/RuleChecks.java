package dev.chaperone.control.translation;

import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.resource.Resource;
import dev.chaperone.crds.v1alpha1.AccessPolicySpec;
import dev.chaperone.policy.Decision.Action;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.Glob;
import dev.chaperone.policy.Names;
import dev.chaperone.policy.Policy;
import dev.chaperone.policy.Rule;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Finds rules that cannot mean what they say: they never match, or another decides first. */
final class RuleChecks {
  private static final Set<String> DATA_CHANGES = Set.of("INSERT", "UPDATE", "DELETE", "MERGE");

  /** The canonical names that have neither a schema nor a kind. */
  private static final Set<String> WITHOUT_SCHEMA =
      Set.of("constraints", "current", "server", "system", "unknown");

  private RuleChecks() {}

  static void check(Resource<AccessPolicySpec> resource, Policy policy, List<Problem> problems) {
    for (int i = 0; i < policy.rules().size(); i++) {
      Rule rule = policy.rules().get(i);
      String path = "spec.rules[" + i + "]";
      checkCommands(resource, rule, path, problems);
      checkResources(resource, rule, path, problems);
      if (rule.when().map(String::strip).filter("false"::equals).isPresent()) {
        problems.add(
            resource.problem(path + ".when", "the rule can never match: its condition is false"));
      }
      checkShadow(resource, policy, i, problems);
    }
  }

  private static void checkCommands(
      Resource<AccessPolicySpec> resource, Rule rule, String path, List<Problem> problems) {
    for (int j = 0; j < rule.commands().size(); j++) {
      String command = rule.commands().get(j);
      if (!PostgresCommands.any(Glob.command(command))) {
        problems.add(
            resource.problem(
                path + ".commands[" + j + "]",
                "the rule can never match: PostgreSQL has no command "
                    + command
                    + Names.nearest(command, PostgresCommands.ALL)
                        .map(nearest -> "; did you mean " + nearest + "?")
                        .orElse("")));
      }
    }
    boolean onlyData =
        !rule.commands().isEmpty()
            && rule.commands().stream()
                .allMatch(command -> DATA_CHANGES.contains(command.toUpperCase(Locale.ROOT)));
    if (onlyData
        && !rule.effects().isEmpty()
        && !rule.effects().contains(Effect.WRITE)
        && !rule.effects().contains(Effect.UNKNOWN)) {
      problems.add(
          resource.problem(
              path + ".effects",
              "the rule can never match: "
                  + String.join(", ", rule.commands())
                  + " has the effect Write"));
    }
  }

  private static void checkResources(
      Resource<AccessPolicySpec> resource, Rule rule, String path, List<Problem> problems) {
    for (int j = 0; j < rule.resources().size(); j++) {
      String name = rule.resources().get(j);
      if (!isResource(name)) {
        problems.add(
            resource.problem(
                path + ".resources[" + j + "]",
                "the rule can never match: \""
                    + name
                    + "\" has no schema; write public."
                    + name
                    + " or *."
                    + name));
      }
    }
  }

  /** Whether a resource may have that name, or a name that the pattern matches. */
  static boolean isResource(String name) {
    return name.contains(".")
        || name.contains("/")
        || name.contains("*")
        || WITHOUT_SCHEMA.contains(name);
  }

  /** A rule before which, or above which, another always decides. */
  private static void checkShadow(
      Resource<AccessPolicySpec> resource, Policy policy, int index, List<Problem> problems) {
    Rule rule = policy.rules().get(index);
    for (int i = 0; i < policy.rules().size(); i++) {
      Rule other = policy.rules().get(i);
      boolean decides =
          other.action() == Action.DENY
              ? i < index || (i > index && rule.action() != Action.DENY)
              : i < index && rule.action() != Action.DENY;
      if (decides && covers(other, rule)) {
        problems.add(
            resource.problem(
                "spec.rules[" + index + "]",
                "the rule has no effect: "
                    + (i < index ? "the earlier rule \"" : "the Deny rule \"")
                    + other.name()
                    + "\" matches everything that \""
                    + rule.name()
                    + "\" does; "
                    + (other.action() == Action.DENY
                        ? "nothing excepts a Deny: narrow it, or remove this rule"
                        : "put the narrower rule first")));
        return;
      }
    }
  }

  private static boolean covers(Rule wide, Rule narrow) {
    return wide.when().isEmpty()
        && effects(wide).containsAll(effects(narrow))
        && covers(wide.commands(), narrow.commands(), Glob::command)
        && covers(wide.resources(), narrow.resources(), Glob::resource);
  }

  private static boolean covers(
      List<String> wide, List<String> narrow, Function<String, Glob> glob) {
    if (wide.isEmpty()) {
      return true;
    }
    List<Glob> globs = wide.stream().map(glob).collect(Collectors.toList());
    if (narrow.isEmpty()) {
      return globs.stream().anyMatch(one -> one.covers(glob.apply("*")));
    }
    return narrow.stream()
        .map(glob)
        .allMatch(one -> globs.stream().anyMatch(other -> other.covers(one)));
  }

  /** The effects a rule matches: an omitted list is all of them, but Unknown only for Deny. */
  private static Set<Effect> effects(Rule rule) {
    if (!rule.effects().isEmpty()) {
      return rule.effects();
    }
    Set<Effect> all = EnumSet.allOf(Effect.class);
    if (rule.action() != Action.DENY) {
      all.remove(Effect.UNKNOWN);
    }
    return all;
  }
}
