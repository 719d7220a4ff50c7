package dev.chaperone.policy;

import static dev.chaperone.policy.Policies.AGENT;
import static dev.chaperone.policy.Policies.DROP;
import static dev.chaperone.policy.Policies.NOW;
import static dev.chaperone.policy.Policies.READ;
import static dev.chaperone.policy.Policies.REQUESTER;
import static dev.chaperone.policy.Policies.UNKNOWN;
import static dev.chaperone.policy.Policies.WRITE;
import static dev.chaperone.policy.Policies.allow;
import static dev.chaperone.policy.Policies.approval;
import static dev.chaperone.policy.Policies.ask;
import static dev.chaperone.policy.Policies.commands;
import static dev.chaperone.policy.Policies.decide;
import static dev.chaperone.policy.Policies.deny;
import static dev.chaperone.policy.Policies.enforce;
import static dev.chaperone.policy.Policies.message;
import static dev.chaperone.policy.Policies.observe;
import static dev.chaperone.policy.Policies.operation;
import static dev.chaperone.policy.Policies.resources;
import static dev.chaperone.policy.Policies.when;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.policy.Decision.Action;
import dev.chaperone.policy.Decision.Allow;
import dev.chaperone.policy.Decision.Deny;
import dev.chaperone.policy.Decision.RequireApproval;
import dev.chaperone.policy.Policy.SubjectReference;
import dev.chaperone.policy.Policy.SubjectReference.Kind;
import dev.chaperone.policy.masking.ColumnPattern;
import dev.chaperone.policy.masking.Detector;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskSource;
import dev.chaperone.policy.masking.MaskingRule;
import dev.chaperone.policy.masking.Masks;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class PolicySetTest {

  private static Action actionOf(Decision decision) {
    if (decision instanceof Allow) {
      return Action.ALLOW;
    }
    return decision instanceof RequireApproval ? Action.REQUIRE_APPROVAL : Action.DENY;
  }

  private static String ruleOf(Decision decision) {
    return decision.basis().rule().map(Object::toString).orElse("-");
  }

  static Stream<Arguments> precedence() {
    return Stream.of(
        Arguments.of("a match decides", READ, "a/r", List.of(enforce("a", allow("r")))),
        Arguments.of(
            "all abstain: Deny", WRITE, "-", List.of(enforce("a", allow("r", Effect.READ)))),
        Arguments.of(
            "the first match of a policy decides",
            READ,
            "a/first",
            List.of(enforce("a", allow("first"), ask("second")))),
        Arguments.of(
            "an exception stands above a RequireApproval",
            READ,
            "a/ask",
            List.of(enforce("a", ask("ask"), allow("second")))),
        Arguments.of(
            "nothing excepts a Deny",
            READ,
            "a/no",
            List.of(enforce("a", allow("first"), deny("no")))),
        Arguments.of(
            "a Deny of another policy wins",
            READ,
            "b/no",
            List.of(enforce("a", allow("yes")), enforce("b", deny("no")))),
        Arguments.of(
            "a Deny that does not match is none",
            READ,
            "a/yes",
            List.of(enforce("a", allow("yes")), enforce("b", deny("no", Effect.WRITE)))),
        Arguments.of(
            "over policies the strictest wins",
            READ,
            "b/ask",
            List.of(enforce("a", allow("yes")), enforce("b", ask("ask")))),
        Arguments.of(
            "over policies the strictest wins, whatever the order",
            READ,
            "a/ask",
            List.of(enforce("a", ask("ask")), enforce("b", allow("yes")))),
        Arguments.of(
            "a policy without a match abstains",
            READ,
            "b/yes",
            List.of(enforce("a", allow("w", Effect.WRITE)), enforce("b", allow("yes")))),
        Arguments.of(
            "an Observe Deny decides nothing",
            READ,
            "a/yes",
            List.of(enforce("a", allow("yes")), observe("b", deny("no")))),
        Arguments.of(
            "an Observe Allow decides nothing",
            WRITE,
            "-",
            List.of(enforce("a", allow("r", Effect.READ)), observe("b", allow("yes")))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource
  void precedence(String name, Access access, String rule, List<Policy> policies) {
    assertThat(ruleOf(PolicySet.of(1, policies).decide(operation(access), REQUESTER, NOW)))
        .isEqualTo(rule);
  }

  @Test
  void operationGetsTheStrictestOfItsAccesses() {
    Policy policy = enforce("a", allow("r", Effect.READ), ask("w", Effect.WRITE));
    assertThat(decide(operation(READ, WRITE), policy))
        .isInstanceOfSatisfying(
            RequireApproval.class, d -> assertThat(d.approval().groups()).containsExactly("dba"));
    Decision denied = decide(operation(READ, WRITE, DROP), policy);
    assertThat(denied).isInstanceOf(Deny.class);
    assertThat(denied.basis().accesses())
        .extracting(Decision.AccessDecision::action)
        .containsExactly(Action.ALLOW, Action.REQUIRE_APPROVAL, Action.DENY);
  }

  @Test
  void partsAreJudgedOneByOne() {
    Operation.Part harmless = new Operation.Part("SELECT", List.of(READ), Map.of());
    Operation.Part drop = new Operation.Part("DROP TABLE", List.of(DROP), Map.of());
    Operation.Part begin = new Operation.Part("BEGIN", List.of(), Map.of());
    Policy policy = enforce("a", allow("r", Effect.READ));
    Operation fine = new Operation("PostgreSQL", "", List.of(begin, harmless), Set.of());
    Operation bad = new Operation("PostgreSQL", "", List.of(begin, harmless, drop), Set.of());
    assertThat(decide(fine, policy)).isInstanceOf(Allow.class);
    assertThat(decide(bad, policy)).isInstanceOf(Deny.class);
  }

  @Nested
  class Neutral {
    @Test
    void passesWhereAnyRuleAllowsOrAsks() {
      assertThat(decide(operation(), enforce("a", allow("w", Effect.WRITE))))
          .isInstanceOf(Allow.class);
      assertThat(decide(operation(), enforce("a", ask("w", Effect.WRITE))))
          .isInstanceOf(Allow.class);
      assertThat(decide(operation(), enforce("a", deny("w", Effect.WRITE))))
          .isInstanceOf(Deny.class);
      assertThat(decide(operation(), enforce("a", deny("d")), enforce("b", allow("w"))))
          .isInstanceOf(Allow.class);
      assertThat(decide(operation(), enforce("a", deny("d")), observe("b", allow("w"))))
          .isInstanceOf(Deny.class);
    }

    @Test
    void passesUnderObserveAlone() {
      assertThat(decide(operation(), observe("a", deny("d")))).isInstanceOf(Allow.class);
    }

    @Test
    void isDeniedWithoutPolicy() {
      assertThat(decide(operation())).isInstanceOf(Deny.class);
    }

    @Test
    void emptyQueryIsNeutral() {
      Operation empty = new Operation("PostgreSQL", "", List.of(), Set.of());
      assertThat(decide(empty, enforce("a", allow("r")))).isInstanceOf(Allow.class);
      assertThat(decide(empty, enforce("a", deny("r")))).isInstanceOf(Deny.class);
      assertThat(decide(empty)).isInstanceOf(Deny.class);
    }
  }

  @Nested
  class Observe {
    @Test
    void aloneLetsPassAndSaysWhatItWouldHaveDone() {
      Decision decision =
          decide(operation(WRITE), observe("a", allow("r", Effect.READ), deny("w", Effect.WRITE)));
      assertThat(decision).isInstanceOf(Allow.class);
      assertThat(decision.basis().observed())
          .containsExactly(
              new Decision.Observation(
                  new Decision.RuleReference("support", "a", "uid-a", 1, "w"), Action.DENY));
      assertThat(decision.basis().accesses())
          .extracting(Decision.AccessDecision::action)
          .containsExactly(Action.ALLOW);
    }

    @Test
    void aloneAndSilentWouldHaveDenied() {
      Decision decision = decide(operation(WRITE), observe("a", allow("r", Effect.READ)));
      assertThat(decision).isInstanceOf(Allow.class);
      assertThat(decision.basis().observed())
          .containsExactly(
              new Decision.Observation(
                  new Decision.RuleReference("support", "a", "uid-a", 1, ""), Action.DENY));
    }

    @Test
    void besideEnforceOnlyAddsObservations() {
      Decision decision =
          decide(
              operation(READ), enforce("a", allow("r", Effect.READ)), observe("b", ask("every")));
      assertThat(decision).isInstanceOf(Allow.class);
      assertThat(decision.basis().observed())
          .extracting(Decision.Observation::action)
          .containsExactly(Action.REQUIRE_APPROVAL);
    }

    @Test
    void silentBesideEnforceSaysNothing() {
      Decision decision =
          decide(operation(READ), enforce("a", allow("r")), observe("b", deny("w", Effect.WRITE)));
      assertThat(decision.basis().observed()).isEmpty();
    }
  }

  @Nested
  class Unknown {
    @Test
    void isAllowedOnlyByARuleThatNamesIt() {
      assertThat(decide(operation(UNKNOWN), enforce("a", allow("everything"))))
          .isInstanceOf(Deny.class);
      assertThat(decide(operation(UNKNOWN), enforce("a", ask("everything"))))
          .isInstanceOf(Deny.class);
      assertThat(decide(operation(UNKNOWN), enforce("a", allow("r", Effect.READ))))
          .isInstanceOf(Deny.class);
      assertThat(decide(operation(UNKNOWN), enforce("a", allow("u", Effect.UNKNOWN))))
          .isInstanceOf(Allow.class);
      assertThat(decide(operation(UNKNOWN), enforce("a", ask("u", Effect.UNKNOWN))))
          .isInstanceOf(RequireApproval.class);
    }

    @Test
    void isMatchedByADenyWithoutEffects() {
      assertThat(
              ruleOf(
                  decide(
                      operation(UNKNOWN),
                      enforce("a", allow("u", Effect.UNKNOWN)),
                      enforce("b", deny("no")))))
          .isEqualTo("b/no");
      assertThat(
              ruleOf(
                  decide(
                      operation(UNKNOWN),
                      enforce("a", allow("u", Effect.UNKNOWN), deny("no", Effect.WRITE)))))
          .isEqualTo("a/u");
    }
  }

  @Nested
  class WhoAndWhere {
    private final PolicySet set = PolicySet.of(1, List.of(enforce("a", allow("r"))));

    private Action decideFor(Requester requester) {
      return actionOf(set.decide(operation(READ), requester, NOW));
    }

    @Test
    void onlyThatConnectionOfThatNamespace() {
      assertThat(decideFor(REQUESTER)).isEqualTo(Action.ALLOW);
      assertThat(decideFor(new Requester(AGENT, "support", "other", Map.of())))
          .isEqualTo(Action.DENY);
      assertThat(decideFor(new Requester(AGENT, "elsewhere", "orders", Map.of())))
          .isEqualTo(Action.DENY);
    }

    @Test
    void onlyThatServiceAccountOfThatNamespace() {
      Subject other = new Subject("support", "other", Optional.empty(), Set.of("agent"));
      Subject stranger = new Subject("elsewhere", "agent", Optional.empty(), Set.of());
      assertThat(decideFor(new Requester(other, "support", "orders", Map.of())))
          .isEqualTo(Action.DENY);
      assertThat(decideFor(new Requester(stranger, "support", "orders", Map.of())))
          .isEqualTo(Action.DENY);
    }

    @Test
    void usersAndGroups() {
      Policy a = enforce("a", allow("r"));
      PolicySet both =
          PolicySet.of(
              1,
              List.of(
                  new Policy(
                      "support",
                      "u",
                      "u",
                      1,
                      a.connections(),
                      List.of(
                          new SubjectReference(Kind.USER, "jane"),
                          new SubjectReference(Kind.GROUP, "agents")),
                      a.mode(),
                      a.rules(),
                      List.of(),
                      Limits.NONE)));
      Subject jane = new Subject("support", "x", Optional.of("jane"), Set.of());
      Subject member = new Subject("support", "x", Optional.of("joe"), Set.of("agents"));
      Subject none = new Subject("support", "jane", Optional.of("agents"), Set.of("jane"));
      assertThat(
              both.decide(operation(READ), new Requester(jane, "support", "orders", Map.of()), NOW))
          .isInstanceOf(Allow.class);
      assertThat(
              both.decide(
                  operation(READ), new Requester(member, "support", "orders", Map.of()), NOW))
          .isInstanceOf(Allow.class);
      assertThat(
              both.decide(operation(READ), new Requester(none, "support", "orders", Map.of()), NOW))
          .isInstanceOf(Deny.class);
    }
  }

  @Nested
  class Approving {
    @Test
    void severalRulesAreJoinedToWhatSatisfiesEach() {
      Policy a =
          enforce(
              "a", approval(ask("one"), approval(Set.of("jane", "joe"), Set.of("dba", "leads"))));
      Policy b = enforce("b", approval(ask("two"), approval(Set.of("jane"), Set.of("leads"))));
      assertThat(decide(operation(WRITE), a, b))
          .isInstanceOfSatisfying(
              RequireApproval.class,
              d -> {
                assertThat(d.approval().users()).containsExactly("jane");
                assertThat(d.approval().groups()).containsExactly("leads");
              });
    }

    @Test
    void rulesWithoutACommonApproverDeny() {
      Policy a = enforce("a", approval(ask("one"), approval(Set.of(), Set.of("dba"))));
      Policy b = enforce("b", approval(ask("two"), approval(Set.of(), Set.of("leads"))));
      assertThat(decide(operation(WRITE), a, b))
          .isInstanceOfSatisfying(
              Deny.class, d -> assertThat(d.message()).contains("a/one, b/two"));
    }
  }

  @Nested
  class Conditions {
    private final Operation narrow =
        operation(Map.of("hasWhere", true, "parameters", 2, "tables", List.of("public.t")), WRITE);

    private Action decideWhen(Rule rule, String when) {
      return actionOf(decide(narrow, enforce("a", when(rule, when))));
    }

    @Test
    void decideOnFacts() {
      for (String holds :
          List.of(
              "operation.sql.hasWhere",
              "operation.sql.parameters == 2",
              "operation.sql.tables.exists(t, t.startsWith('public.'))",
              "operation.command == 'UPDATE'",
              "'Write' in operation.effects",
              "operation.resources == ['public.tickets']",
              "operation.protocol == 'PostgreSQL'",
              "operation.text.contains('literal')",
              "operation.text.matches('secret')",
              "subject.serviceAccount == 'agent' && subject.namespace == 'support'",
              "subject.user == '' && size(subject.groups) == 0",
              "session.connection == 'orders' && session.namespace == 'support'",
              "session.database == 'orders'",
              "now.getHours('UTC') == 10",
              "now < timestamp('2027-01-01T00:00:00Z')")) {
        assertThat(decideWhen(allow("r"), holds)).as(holds).isEqualTo(Action.ALLOW);
        assertThat(decideWhen(allow("r"), "!(" + holds + ")")).as(holds).isEqualTo(Action.DENY);
      }
    }

    @Test
    void errorsFailClosed() {
      String error = "operation.sql.hasLimit"; // not among the facts
      assertThat(decideWhen(allow("r"), error)).isEqualTo(Action.DENY);
      assertThat(decideWhen(ask("r"), error)).isEqualTo(Action.REQUIRE_APPROVAL);
      assertThat(ruleOf(decide(narrow, enforce("a", allow("yes"), when(deny("no"), error)))))
          .isEqualTo("a/no");
      assertThat(decideWhen(allow("r"), "1 / (operation.sql.parameters - 2) == 0"))
          .isEqualTo(Action.DENY);
    }

    @Test
    void dependenciesAreThoseOfTheRulesConsulted() {
      assertThat(decide(narrow, enforce("a", when(allow("r"), "now > now"))).basis().dependencies())
          .containsExactly(Dependency.TIME);
      assertThat(
              decide(narrow, enforce("a", when(allow("r"), "operation.text == ''")))
                  .basis()
                  .dependencies())
          .containsExactly(Dependency.LITERALS);
      assertThat(
              decide(narrow, enforce("a", when(allow("r", Effect.READ), "now > now")))
                  .basis()
                  .dependencies())
          .isEmpty();
      assertThat(
              decide(narrow, enforce("a", allow("r")), observe("b", when(deny("d"), "now > now")))
                  .basis()
                  .dependencies())
          .containsExactly(Dependency.TIME);
      Operation bound =
          new Operation("PostgreSQL", "", narrow.parts(), Set.of(Dependency.PARAMETERS));
      assertThat(decide(bound, enforce("a", allow("r"))).basis().dependencies())
          .containsExactly(Dependency.PARAMETERS);
    }

    static Stream<Arguments> invalid() {
      return Stream.of(
          Arguments.of("operation.sql.haswhere", "did you mean operation.sql.hasWhere?"),
          Arguments.of("operaton.sql.hasWhere", "undeclared reference"),
          Arguments.of("subject.serviceaccount == 'x'", "did you mean subject.serviceAccount?"),
          Arguments.of("operation.sql", "use one of its fields: operation.sql.columns"),
          Arguments.of("operation.sql.hasWhere.x", "operation.sql.hasWhere has no fields"),
          Arguments.of("session.color == 'red'", "unknown field session.color; known: session."),
          Arguments.of("has(operation.sql.hasWhere)", "is always true"),
          Arguments.of("operation.command", "must be true or false, but it is of type string"),
          Arguments.of("operation.command == 1", "no matching overload"),
          Arguments.of("operation.command ==", "mismatched input"),
          Arguments.of(" ", "empty"),
          Arguments.of("'(' == '' || operation.text.matches('(')", "no regular expression"),
          Arguments.of("operation.text.matches(operation.command)", "constant"),
          Arguments.of("[1].exists(operation, operation == 1)", "taken"),
          Arguments.of("'" + "x".repeat(3000) + "' == ''", "longer than 2048"),
          Arguments.of("(".repeat(200) + "true" + ")".repeat(200), "recursion"),
          Arguments.of("true" + " && true".repeat(254), "node"));
    }

    @ParameterizedTest
    @MethodSource
    void invalid(String source, String problem) {
      assertThatThrownBy(
              () -> PolicySet.of(1, List.of(enforce("p", allow("ok"), when(allow("r"), source)))))
          .isInstanceOfSatisfying(
              PolicyException.class,
              e -> {
                assertThat(e.problem()).contains(problem);
                assertThat(e.path()).isEqualTo("spec.rules[1].when");
                assertThat(e.policy()).isEqualTo("p");
                assertThat(e.rule()).isEqualTo("r");
              });
    }

    @Test
    void loopsAreBounded() {
      String list = "[" + "1,".repeat(60) + "1]";
      String nested = "%s.all(a, %s.all(b, %s.all(c, a == 1)))".formatted(list, list, list);
      assertThat(decideWhen(ask("r"), "!(" + nested + ")")).isEqualTo(Action.REQUIRE_APPROVAL);
      assertThat(decideWhen(allow("r"), nested)).isEqualTo(Action.DENY);
    }
  }

  @Nested
  class Messages {
    @Test
    void nameTheAccessAndWhatWouldBeAllowed() {
      Policy policy =
          enforce(
              "agents",
              resources(allow("reads", Effect.READ), "public.*"),
              when(commands(allow("small", Effect.WRITE), "UPDATE"), "operation.sql.hasWhere"),
              ask("deletes", Effect.SCHEMA));
      assertThat(decide(operation(Map.of("hasWhere", false), WRITE), policy))
          .isInstanceOfSatisfying(
              Deny.class,
              d -> {
                assertThat(d.message())
                    .isEqualTo("No rule allows UPDATE on public.tickets (effect Write).");
                assertThat(d.hint())
                    .isEqualTo(
                        "Allowed here: Read on public.*; Write by UPDATE under a condition. With"
                            + " approval: Schema. Ask the owners of AccessPolicy support/agents for"
                            + " more.");
              });
    }

    @Test
    void nameTheRule() {
      assertThat(decide(operation(DROP), enforce("p", allow("all"), deny("no", Effect.SCHEMA))))
          .isInstanceOfSatisfying(
              Deny.class,
              d ->
                  assertThat(d.message())
                      .isEqualTo(
                          "DROP TABLE on public.tickets (effect Schema) is denied by rule p/no."));
    }

    @Test
    void useTheRulesOwnWords() {
      assertThat(decide(operation(DROP), enforce("p", message(deny("no"), "Use migrations."))))
          .isInstanceOfSatisfying(
              Deny.class,
              d -> {
                assertThat(d.message()).isEqualTo("Use migrations.");
                assertThat(d.basis().reason()).contains("denied by rule p/no");
              });
    }

    @Test
    void neverHoldLiterals() {
      for (Policy policy :
          List.of(
              enforce("p", deny("no")),
              enforce("p", allow("r", Effect.READ)),
              enforce("p", when(allow("r"), "operation.text.startsWith('x')")))) {
        Deny denied = (Deny) decide(operation(WRITE), policy);
        assertThat(denied.message() + denied.hint() + denied.basis().reason())
            .doesNotContain("secret");
      }
    }

    @Test
    void escapeWhatCannotBeSeen() {
      Access odd = new Access(Effect.WRITE, "UPDATE", "public.a\n\u202eb");
      Deny denied = (Deny) decide(operation(odd), enforce("p", allow("r", Effect.READ)));
      assertThat(denied.message()).contains("public.a\\u{A}\\u{202E}b");
    }

    @Test
    void sayWhatIsMissingWithoutPolicy() {
      Deny denied = (Deny) decide(operation(READ));
      assertThat(denied.message())
          .isEqualTo("No policy governs service account agent on connection orders.");
      assertThat(denied.hint()).contains("namespace support");
    }
  }

  @Nested
  class Explaining {
    @Test
    void saysOfEachRuleWhyNot() {
      PolicySet set =
          PolicySet.of(
              1,
              List.of(
                  enforce(
                      "a",
                      allow("effect", Effect.READ),
                      commands(allow("command"), "DELETE"),
                      resources(allow("resource"), "private.*"),
                      when(allow("when"), "operation.sql.hasWhere"),
                      when(allow("error"), "operation.sql.hasLimit"),
                      allow("yes"),
                      ask("later")),
                  observe("b", allow("any"))));
      Explanation explanation =
          set.explain(operation(Map.of("hasWhere", false), WRITE), REQUESTER, NOW);
      Explanation.OfAccess access = explanation.accesses().get(0);
      assertThat(access.decidedBy().orElseThrow()).hasToString("a/yes");
      assertThat(access.policies().get(0).rules())
          .extracting(Explanation.OfRule::verdict)
          .containsExactly(
              Explanation.Verdict.OTHER_EFFECT,
              Explanation.Verdict.OTHER_COMMAND,
              Explanation.Verdict.OTHER_RESOURCE,
              Explanation.Verdict.CONDITION_FALSE,
              Explanation.Verdict.CONDITION_FAILED,
              Explanation.Verdict.MATCHED,
              Explanation.Verdict.MATCHED);
      assertThat(access.policies().get(0).rules())
          .filteredOn(Explanation.OfRule::decides)
          .extracting(Explanation.OfRule::rule)
          .containsExactly("yes");
      assertThat(access.policies().get(1).mode()).isEqualTo(Policy.Mode.OBSERVE);
      assertThat(explanation.decision()).isInstanceOf(Allow.class);
    }

    @Test
    void saysThatUnknownMustBeNamed() {
      PolicySet set = PolicySet.of(1, List.of(enforce("a", allow("all"))));
      assertThat(
              set.explain(operation(UNKNOWN), REQUESTER, NOW)
                  .accesses()
                  .get(0)
                  .policies()
                  .get(0)
                  .rules()
                  .get(0)
                  .verdict())
          .isEqualTo(Explanation.Verdict.UNKNOWN_NOT_NAMED);
    }
  }

  @Test
  void limitsOfEnforcePoliciesAddUp() {
    Policy a = enforce("a", allow("r"));
    PolicySet set =
        PolicySet.of(
            1,
            List.of(
                limited(a, "a", Policy.Mode.ENFORCE, new Limits(of(100), none(), of(60))),
                limited(a, "b", Policy.Mode.ENFORCE, new Limits(of(10), of(1000), none())),
                limited(a, "c", Policy.Mode.OBSERVE, new Limits(of(1), of(1), of(1)))));
    assertThat(set.limits(REQUESTER)).isEqualTo(new Limits(of(10), of(1000), of(60)));
  }

  private static OptionalLong of(long value) {
    return OptionalLong.of(value);
  }

  private static OptionalLong none() {
    return OptionalLong.empty();
  }

  private static Policy limited(Policy p, String name, Policy.Mode mode, Limits limits) {
    return new Policy(
        p.namespace(),
        name,
        name,
        1,
        p.connections(),
        p.subjects(),
        mode,
        p.rules(),
        List.of(),
        limits);
  }

  private static Policy masking(Policy p, String column, Mask with) {
    return new Policy(
        p.namespace(),
        p.name(),
        p.uid(),
        1,
        p.connections(),
        p.subjects(),
        p.mode(),
        p.rules(),
        List.of(
            new MaskingRule(List.of(ColumnPattern.parse(column).orElseThrow()), Set.of(), with),
            new MaskingRule(List.of(), Set.of(Detector.EMAIL), with)),
        Limits.NONE);
  }

  @Test
  void masksOfAllPoliciesAddUpThoseOfObserveToo() {
    PolicySet set =
        PolicySet.of(
            1,
            List.of(
                masking(enforce("a", allow("r")), "public.c.ssn", Mask.PARTIAL),
                masking(observe("b", allow("r")), "public.c.*", Mask.HASH)));
    Masks masks = set.masks(Policies.REQUESTER);
    assertThat(masks.columns()).hasSize(2);
    assertThat(masks.detectors()).containsExactly(Map.entry(Detector.EMAIL, Mask.HASH));
    Requester other = new Requester(Policies.AGENT, "support", "elsewhere", Map.of());
    assertThat(set.masks(other).isEmpty()).isTrue();
  }

  @Test
  void eachEntryOfMaskingIsKnownByItsPlaceAndTheDigestOfWhatItSays() {
    PolicySet set =
        PolicySet.of(
            1,
            List.of(
                masking(observe("b", allow("r")), "public.c.*", Mask.HASH),
                masking(enforce("a", allow("r")), "public.c.ssn", Mask.PARTIAL)));
    List<MaskSource> sources = set.maskSources(Policies.REQUESTER);
    assertThat(sources)
        .extracting(MaskSource::toString)
        .containsExactly("a masking[0]", "a masking[1]", "b masking[0]", "b masking[1]");
    assertThat(sources)
        .extracting(source -> source.rule().content())
        .containsExactly(
            "columns public.c.ssn with Partial",
            "detectors Email with Partial",
            "columns public.c.* with Hash",
            "detectors Email with Hash");
    // printf 'columns public.c.ssn with Partial' | sha256sum
    assertThat(sources.get(0).rule().digest())
        .asHexString()
        .isEqualToIgnoringCase("c6f82436f8e143e1f0de02a8e60af01ff663ca81176201482c0b54a9e8c85699");
  }

  @Test
  void whatAnEntrySaysDoesNotDependOnItsOrder() {
    ColumnPattern a = ColumnPattern.parse("s.t.a").orElseThrow();
    ColumnPattern b = ColumnPattern.parse("s.t.b").orElseThrow();
    MaskingRule one = new MaskingRule(List.of(b, a), Set.of(), Mask.NULL);
    MaskingRule other = new MaskingRule(List.of(a, b), Set.of(), Mask.NULL);
    assertThat(one.content())
        .isEqualTo("columns s.t.a, s.t.b with Null")
        .isEqualTo(other.content());
    assertThat(one.digest()).isEqualTo(other.digest());
  }

  @Test
  void namesAreUnique() {
    assertThatThrownBy(
            () -> PolicySet.of(1, List.of(enforce("a", allow("r")), enforce("a", allow("r")))))
        .isInstanceOf(PolicyException.class);
    assertThatThrownBy(() -> PolicySet.of(1, List.of(enforce("a", allow("r"), deny("r")))))
        .isInstanceOfSatisfying(
            PolicyException.class, e -> assertThat(e.path()).isEqualTo("spec.rules[1].name"));
  }

  @Test
  void knowsItsGeneration() {
    assertThat(PolicySet.of(42, List.of()).generation()).isEqualTo(42);
    assertThat(decide(operation(READ), enforce("a", allow("r"))).basis().generation()).isEqualTo(7);
  }
}
