package dev.chaperone.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Conditions of rules: one that compiles comes to an answer, or says why it does not. */
class CelConditionsFuzzTest extends FuzzTest {

  @Override
  protected List<byte[]> seeds() {
    return texts(
        "operation.sql.hasWhere && !('a' in subject.groups)",
        "operation.text.matches('^a+$') || operation.resources.exists(r, r.startsWith('public.'))",
        "now < timestamp('2026-01-01T00:00:00Z') ? true : size(subject.groups) > 2",
        "[1, 2].map(x, x * 2).all(y, y / 0 == 1) || {'a': [1]}['a'][0] == 1",
        "operation.effect == 'Read' && duration('1h') > duration('60s')");
  }

  @Override
  protected List<String> words() {
    return List.of(
        "operation.",
        "sql",
        "subject.",
        "session.",
        "now",
        "groups",
        "matches(",
        "exists(",
        "all(",
        "map(",
        "in",
        "&&",
        "||",
        "?",
        ":",
        "timestamp(",
        "duration(",
        "string(",
        "int(",
        "'a'",
        "[",
        "]",
        "{",
        "}",
        "has(",
        "size(",
        "-",
        "!",
        "1u",
        "1.0",
        "b'a'",
        "r'a'",
        "'''");
  }

  @Override
  protected void fuzz(byte[] input) {
    Condition condition;
    try {
      condition = CelConditions.compile(new FuzzInput(input).text());
    } catch (Condition.InvalidConditionException e) {
      assertThat(e).hasMessageMatching("(?s).+");
      return;
    }
    assertThat(condition.evaluate(facts())).isNotNull();
  }

  private static Condition.Facts facts() {
    Operation.Part part =
        new Operation.Part(
            "SELECT", List.of(new Access(Effect.READ, "SELECT", "public.t")), Map.of());
    return new Condition.Facts(
        new Operation("PostgreSQL", "SELECT 1", List.of(part), Set.of()),
        part,
        Policies.REQUESTER,
        Instant.EPOCH);
  }
}
