package dev.chaperone.operator.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WordsTest {
  @ParameterizedTest
  @ValueSource(strings = {"", "../x", "a/b", "A", "-a", "a-", "a b", "a%2fb", "a\n"})
  void whatIsNoNameNeverBecomesPartOfAPath(String text) {
    assertThat(Words.isName(text)).isFalse();
  }

  @Test
  void textOfOthersIsVisibleAndBounded() {
    assertThat(Words.shown("plain", 10)).isEqualTo("plain");
    assertThat(Words.shown("a\u0000\u202eb", 100)).doesNotContain("\u0000", "\u202e");
    assertThat(Words.shown("\u202e".repeat(100_000), 100)).hasSizeLessThanOrEqualTo(100);
    assertThat(Words.shown("x".repeat(97) + "\ud83d\ude00yyyy", 101))
        .hasSizeLessThanOrEqualTo(101)
        .endsWith("...");
  }

  @Test
  void aConditionKeepsItsTimeWhileItsStatusStays() {
    Instant first = Instant.parse("2026-01-01T00:00:00Z");
    Instant second = first.plusSeconds(60);
    List<Condition> before =
        Conditions.merge(
            null,
            List.of(Conditions.of("Accepted", ConditionStatus.TRUE, "Accepted", "", 1L)),
            first);
    List<Condition> same =
        Conditions.merge(
            before,
            List.of(Conditions.of("Accepted", ConditionStatus.TRUE, "Accepted", "still", 2L)),
            second);
    assertThat(same.get(0).lastTransitionTime()).isEqualTo(first.toString());
    assertThat(same.get(0).observedGeneration()).isEqualTo(2);
    List<Condition> other =
        Conditions.merge(
            same,
            List.of(Conditions.of("Accepted", ConditionStatus.FALSE, "Invalid", "", 2L)),
            second);
    assertThat(other.get(0).lastTransitionTime()).isEqualTo(second.toString());
  }
}
