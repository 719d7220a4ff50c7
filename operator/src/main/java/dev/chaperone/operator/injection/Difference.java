package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Where a container or volume of a pod is not what Chaperone makes. Allowed are exactly these:
 *
 * <ul>
 *   <li>a quantity in other words ({@code 1Gi} for {@code 1024Mi}): the API server rewrites them;
 *   <li>further entries of {@code resources.limits} and {@code resources.requests}, which a
 *       LimitRange of the namespace adds. Whoever else adds one can slow the gateway, or end the
 *       pod, which the author of a pod can do anyway;
 *   <li>{@code securityContext.procMount: Default}, which some API servers fill in.
 * </ul>
 */
final class Difference {
  private static final Pattern QUANTITY =
      Pattern.compile("resources\\.(limits|requests)\\.[^.]+|emptyDir\\.sizeLimit");
  private static final Pattern ADDED_BY_LIMIT_RANGE =
      Pattern.compile("resources\\.(limits|requests)\\.[^.].*");

  private Difference() {}

  /**
   * The places that differ, in the order of {@code expected}; empty where none does.
   *
   * @param actual a place of the pod, which need not hold anything
   */
  static List<Place> between(JsonNode expected, Place actual) {
    List<Place> differences = new ArrayList<>();
    compare(expected, actual, "", true, differences);
    return differences;
  }

  /** As {@link #between}, with nothing allowed: what an update of a stored pod changes. */
  static List<Place> exactlyBetween(JsonNode expected, Place actual) {
    List<Place> differences = new ArrayList<>();
    compare(expected, actual, "", false, differences);
    return differences;
  }

  private static void compare(
      JsonNode expected, Place actual, String relative, boolean tolerant, List<Place> differences) {
    JsonNode value = actual.value();
    if (expected.isObject() && value.isObject()) {
      for (Map.Entry<String, JsonNode> field : expected.properties()) {
        String below = relative.isEmpty() ? field.getKey() : relative + "." + field.getKey();
        compare(field.getValue(), actual.field(field.getKey()), below, tolerant, differences);
      }
      for (Map.Entry<String, JsonNode> field : value.properties()) {
        String below = relative.isEmpty() ? field.getKey() : relative + "." + field.getKey();
        if (!expected.has(field.getKey()) && !(tolerant && isTolerated(below, field.getValue()))) {
          differences.add(actual.field(field.getKey()));
        }
      }
    } else if (expected.isArray() && value.isArray() && expected.size() == value.size()) {
      for (int i = 0; i < expected.size(); i++) {
        compare(expected.get(i), actual.item(i), relative + "[]", tolerant, differences);
      }
    } else if (!same(expected, value, relative, tolerant)) {
      differences.add(actual);
    }
  }

  private static boolean isTolerated(String relative, JsonNode value) {
    return (ADDED_BY_LIMIT_RANGE.matcher(relative).matches() && value.isTextual())
        || (relative.equals("securityContext.procMount") && value.asText().equals("Default"));
  }

  private static boolean same(
      JsonNode expected, JsonNode actual, String relative, boolean tolerant) {
    if (expected.isNumber() && actual.isNumber()) {
      // Two equal numbers need not be nodes of one class.
      return expected.decimalValue().compareTo(actual.decimalValue()) == 0;
    }
    if (tolerant
        && expected.isTextual()
        && actual.isTextual()
        && QUANTITY.matcher(relative).matches()) {
      return sameQuantity(expected.asText(), actual.asText());
    }
    return expected.isValueNode() && expected.equals(actual);
  }

  private static boolean sameQuantity(String expected, String actual) {
    try {
      return new Quantity(expected)
              .getNumericalAmount()
              .compareTo(new Quantity(actual).getNumericalAmount())
          == 0;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
