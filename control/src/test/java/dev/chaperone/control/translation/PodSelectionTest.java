package dev.chaperone.control.translation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.crds.v1alpha1.PodSelector;
import dev.chaperone.crds.v1alpha1.PodSelectorRequirement;
import dev.chaperone.crds.v1alpha1.SelectorOperator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PodSelectionTest {

  @Test
  void everyLabelMustHaveItsValue() {
    PodSelector selector = new PodSelector(Map.of("app", "agent", "tier", "one"), null);
    assertThat(PodSelection.matches(selector, Map.of("app", "agent", "tier", "one", "x", "y")))
        .isTrue();
    assertThat(PodSelection.matches(selector, Map.of("app", "agent"))).isFalse();
    assertThat(PodSelection.matches(selector, Map.of("app", "agent", "tier", "two"))).isFalse();
    assertThat(PodSelection.matches(selector, Map.of())).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "IN, a, true",
    "IN, b, false",
    "IN, , false",
    "NOT_IN, a, false",
    "NOT_IN, b, true",
    "NOT_IN, , true",
    "EXISTS, a, true",
    "EXISTS, , false",
    "DOES_NOT_EXIST, a, false",
    "DOES_NOT_EXIST, , true"
  })
  void eachOperatorMeansWhatItMeansToKubernetes(
      SelectorOperator operator, String value, boolean selected) {
    boolean compares = operator == SelectorOperator.IN || operator == SelectorOperator.NOT_IN;
    PodSelector selector =
        new PodSelector(
            null,
            List.of(new PodSelectorRequirement("app", operator, compares ? List.of("a") : null)));
    assertThat(PodSelection.matches(selector, value == null ? Map.of() : Map.of("app", value)))
        .isEqualTo(selected);
  }

  @Test
  void labelsAndExpressionsMustBothHold() {
    PodSelector selector =
        new PodSelector(
            Map.of("app", "agent"),
            List.of(new PodSelectorRequirement("off", SelectorOperator.DOES_NOT_EXIST, null)));
    assertThat(PodSelection.matches(selector, Map.of("app", "agent"))).isTrue();
    assertThat(PodSelection.matches(selector, Map.of("app", "agent", "off", ""))).isFalse();
    assertThat(PodSelection.matches(selector, Map.of("app", "other"))).isFalse();
  }
}
