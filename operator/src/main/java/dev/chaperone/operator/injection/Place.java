package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chaperone.policy.VisibleText;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * A value of a pod and where it stands, whether or not there is something.
 *
 * @param value a missing node where there is nothing
 * @param path for people: {@code spec.containers[0].env}
 * @param pointer for a JSON Patch: {@code /spec/containers/0/env}
 */
record Place(JsonNode value, String path, String pointer) {
  private static final Pattern PLAIN_NAME = Pattern.compile("[A-Za-z0-9_]{1,63}");
  private static final int LONGEST_NAME = 64;

  static Place root(JsonNode value) {
    return new Place(value, "", "");
  }

  Place field(String name) {
    String step;
    if (PLAIN_NAME.matcher(name).matches()) {
      step = path.isEmpty() ? name : "." + name;
    } else {
      step = "[\"" + shown(name) + "\"]";
    }
    return new Place(
        value.path(name), path + step, pointer + "/" + name.replace("~", "~0").replace("/", "~1"));
  }

  Place item(int index) {
    return new Place(value.path(index), path + "[" + index + "]", pointer + "/" + index);
  }

  /** Null is what Kubernetes takes for nothing. */
  boolean isPresent() {
    return !value.isMissingNode() && !value.isNull();
  }

  /** The items of a list; none where there is no list. */
  List<Place> items() {
    List<Place> items = new ArrayList<>();
    for (int i = 0; value.isArray() && i < value.size(); i++) {
      items.add(item(i));
    }
    return items;
  }

  /** The fields of an object; none where there is no object. */
  List<Place> fields() {
    List<Place> fields = new ArrayList<>();
    for (Map.Entry<String, JsonNode> field : value.properties()) {
      fields.add(field(field.getKey()));
    }
    return fields;
  }

  /**
   * Shows this place and everything in it, as deep as the reader of the pod let it be.
   *
   * @param isSkipped tells by its pointer what is passed over, with all that is in it
   */
  void visit(Predicate<String> isSkipped, Consumer<Place> visitor) {
    if (!isSkipped.test(pointer)) {
      visitor.accept(this);
      items().forEach(item -> item.visit(isSkipped, visitor));
      fields().forEach(field -> field.visit(isSkipped, visitor));
    }
  }

  /** The name of the field that this is; for the item of a list its number. */
  String lastField() {
    return pointer.substring(pointer.lastIndexOf('/') + 1);
  }

  /** The text, or an empty one where there is none. */
  String text() {
    return value.isTextual() ? value.asText() : "";
  }

  /** What somebody wrote, fit for a message: in one line, visible, not long. */
  static String shown(String text) {
    String start = text.length() <= LONGEST_NAME ? text : text.substring(0, LONGEST_NAME) + "...";
    return VisibleText.of(start);
  }
}
