package dev.chaperone.control.resource;

import dev.chaperone.policy.Names;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Holds a tree against a schema, and fills in the defaults, as an API server does. */
final class SchemaValidator {
  private final String file;
  private final List<Problem> problems;

  SchemaValidator(String file, List<Problem> problems) {
    this.file = file;
    this.problems = problems;
  }

  /** Validates a value. Returns it with defaults, as plain maps, lists and scalars. */
  Object validate(Tree tree, Schema schema, String path) {
    int before = problems.size();
    Object value =
        switch (schema.type()) {
          case "object" -> object(tree, schema, path);
          case "array" -> array(tree, schema, path);
          case "string" -> string(tree, schema, path);
          case "integer" -> integer(tree, schema, path);
          case "boolean" -> bool(tree, path);
          default -> throw new IllegalStateException("type " + schema.type());
        };
    if (problems.size() == before) {
      CrossFieldRules.check(schema.rules(), value)
          .forEach(message -> add(tree.position(), path, message));
    }
    return value;
  }

  private void add(Tree.Position position, String path, String message) {
    problems.add(new Problem(file, position.line(), position.column(), path, message));
  }

  private Object object(Tree tree, Schema schema, String path) {
    if (!(tree instanceof Tree.Mapping mapping)) {
      add(tree.position(), path, "must be a mapping of fields, not " + kind(tree));
      return Map.of();
    }
    Map<String, Object> values = new LinkedHashMap<>();
    mapping
        .fields()
        .forEach(
            (name, field) -> {
              String below = path.isEmpty() ? name : path + "." + name;
              Schema property =
                  schema.properties().containsKey(name)
                      ? schema.properties().get(name)
                      : schema.additional().orElse(null);
              if (property == null) {
                add(field.position(), path, unknown("field", name, schema.properties().keySet()));
              } else if (isNull(field.value())) {
                checkNull((Tree.Scalar) field.value(), property, below);
              } else {
                values.put(name, validate(field.value(), property, below));
              }
            });
    bounds(tree, schema, path, mapping.fields().size(), "Properties", "fields");
    addDefaults(values, schema);
    for (String name : schema.required()) {
      if (!values.containsKey(name)) {
        add(tree.position(), path, "missing required field \"" + name + "\"");
      }
    }
    return values;
  }

  /** A null is no value, as for the API server; but an unquoted word may have been meant. */
  private void checkNull(Tree.Scalar scalar, Schema schema, String path) {
    schema.values().stream()
        .filter(value -> value.equals(scalar.text()))
        .findFirst()
        .ifPresent(
            value ->
                add(
                    scalar.position(),
                    path,
                    "without quotes this is no text: write \"" + value + "\""));
  }

  private static boolean isNull(Tree tree) {
    return tree instanceof Tree.Scalar scalar && scalar.value() == null;
  }

  private static void addDefaults(Map<String, Object> values, Schema schema) {
    schema
        .properties()
        .forEach(
            (name, property) -> {
              if (!values.containsKey(name) && property.standard().isPresent()) {
                values.put(name, standard(property));
              }
            });
  }

  private static Object standard(Schema schema) {
    if (schema.standard().orElseThrow() instanceof Map<?, ?> map) {
      Map<String, Object> values = new LinkedHashMap<>();
      map.forEach((name, value) -> values.put((String) name, value));
      addDefaults(values, schema);
      return values;
    }
    return schema.standard().orElseThrow();
  }

  private Object array(Tree tree, Schema schema, String path) {
    if (!(tree instanceof Tree.Sequence sequence)) {
      add(tree.position(), path, "must be a list, not " + kind(tree));
      return List.of();
    }
    List<Object> values = new ArrayList<>();
    Set<Object> keys = new HashSet<>();
    for (int i = 0; i < sequence.items().size(); i++) {
      Tree item = sequence.items().get(i);
      String below = path + "[" + i + "]";
      Object value = validate(item, schema.items().orElseThrow(), below);
      values.add(value);
      if (schema.listMapKey().isPresent() && value instanceof Map<?, ?> map) {
        Object key = map.get(schema.listMapKey().get());
        if (key != null && !keys.add(key)) {
          add(
              item.position(),
              below,
              "an earlier item has the same \"" + schema.listMapKey().get() + "\"");
        }
      }
    }
    bounds(tree, schema, path, values.size(), "Items", "items");
    return values;
  }

  private Object string(Tree tree, Schema schema, String path) {
    if (!(tree instanceof Tree.Scalar scalar)) {
      add(tree.position(), path, "must be text, not " + kind(tree));
      return "";
    }
    if (!(scalar.value() instanceof String text)) {
      add(
          tree.position(),
          path,
          "must be text, not " + kind(tree) + ": put it in quotes if it is meant as text");
      return "";
    }
    if (!schema.values().isEmpty() && !schema.values().contains(text)) {
      Optional<String> nearest = Names.nearest(text, schema.values());
      add(
          tree.position(),
          path,
          "must be one of "
              + String.join(", ", schema.values())
              + ", not \""
              + Quoted.safe(text)
              + "\""
              + nearest.map(n -> "; did you mean \"" + n + "\"?").orElse(""));
      return text;
    }
    bounds(tree, schema, path, Schema.length(text), "Length", "characters");
    Long longest = schema.bounds().get("maxLength");
    boolean tooLong = longest != null && Schema.length(text) > longest;
    if (!tooLong && schema.pattern().isPresent() && !schema.pattern().get().matcher(text).find()) {
      add(
          tree.position(),
          path,
          "\""
              + Quoted.safe(text)
              + "\" must have the form "
              + schema.pattern().get().pattern().replace("\\z", "$"));
    }
    return text;
  }

  private Object integer(Tree tree, Schema schema, String path) {
    if (!(tree instanceof Tree.Scalar scalar) || !(scalar.value() instanceof Long number)) {
      add(tree.position(), path, "must be a whole number, not " + kind(tree));
      return 0L;
    }
    Long least = schema.bounds().get("minimum");
    Long most = schema.bounds().get("maximum");
    if (least != null && number < least) {
      add(tree.position(), path, "must be at least " + least + ", not " + number);
    }
    if (most != null && number > most) {
      add(tree.position(), path, "must be at most " + most + ", not " + number);
    }
    return number;
  }

  private Object bool(Tree tree, String path) {
    if (!(tree instanceof Tree.Scalar scalar) || !(scalar.value() instanceof Boolean value)) {
      add(tree.position(), path, "must be true or false, not " + kind(tree));
      return false;
    }
    return value;
  }

  private void bounds(Tree tree, Schema schema, String path, int size, String what, String unit) {
    Long least = schema.bounds().get("min" + what);
    Long most = schema.bounds().get("max" + what);
    if (least != null && size < least) {
      add(tree.position(), path, "must have at least " + count(least, unit) + ", not " + size);
    }
    if (most != null && size > most) {
      add(tree.position(), path, "must have at most " + count(most, unit) + ", not " + size);
    }
  }

  private static String count(long number, String units) {
    return number + " " + (number == 1 ? units.substring(0, units.length() - 1) : units);
  }

  static String unknown(String what, String name, Collection<String> known) {
    return "unknown "
        + what
        + " \""
        + Quoted.safe(name)
        + "\""
        + Names.nearest(name, known)
            .map(nearest -> "; did you mean \"" + nearest + "\"?")
            .orElseGet(() -> known.isEmpty() ? "" : "; known: " + String.join(", ", known));
  }

  private static String kind(Tree tree) {
    if (tree instanceof Tree.Mapping) {
      return "a mapping";
    }
    if (tree instanceof Tree.Sequence) {
      return "a list";
    }
    Object value = ((Tree.Scalar) tree).value();
    if (value == null) {
      return "nothing";
    }
    if (value instanceof Boolean) {
      return "a boolean";
    }
    return value instanceof String ? "text" : "a number";
  }
}
