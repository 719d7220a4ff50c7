package dev.chaperone.control.translation;

import dev.chaperone.crds.v1alpha1.PodSelector;
import dev.chaperone.crds.v1alpha1.PodSelectorRequirement;
import java.util.List;
import java.util.Map;

/** Which pods a selector means. */
public final class PodSelection {
  private PodSelection() {}

  /**
   * Whether a pod with these labels is selected, as the API server would say it.
   *
   * @param selector valid by its CRD; one that says nothing selects every pod
   */
  public static boolean matches(PodSelector selector, Map<String, String> labels) {
    if (selector.matchLabels() != null
        && !labels.entrySet().containsAll(selector.matchLabels().entrySet())) {
      return false;
    }
    List<PodSelectorRequirement> terms = PolicyTranslation.list(selector.matchExpressions());
    return terms.stream().allMatch(term -> holds(term, labels.get(term.key())));
  }

  private static boolean holds(PodSelectorRequirement term, String value) {
    return switch (term.operator()) {
      case IN -> value != null && term.values().contains(value);
      case NOT_IN -> value == null || !term.values().contains(value);
      case EXISTS -> value != null;
      case DOES_NOT_EXIST -> value == null;
    };
  }
}
