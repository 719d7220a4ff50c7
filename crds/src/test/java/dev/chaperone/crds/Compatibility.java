package dev.chaperone.crds;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Says what a new definition of a resource breaks for those who have objects of the old one, or
 * manifests in Git: what was accepted must be accepted, and mean the same.
 */
final class Compatibility {
  /** A bound above which, or below which, nothing is accepted. */
  private static final List<String> MOST =
      List.of("maximum", "maxLength", "maxItems", "maxProperties");

  private static final List<String> LEAST =
      List.of("minimum", "minLength", "minItems", "minProperties");

  /** What must be as it was. */
  private static final List<String> FIXED =
      List.of(
          "type",
          "format",
          "default",
          "nullable",
          "x-kubernetes-list-type",
          "x-kubernetes-list-map-keys",
          "x-kubernetes-map-type",
          "x-kubernetes-preserve-unknown-fields",
          "x-kubernetes-int-or-string");

  /** {@code !has(self.FIELD) || self.FIELD != 'VALUE' || ...}. */
  private static final Pattern NEW_VALUE =
      Pattern.compile("!has\\(self\\.(\\w+)\\) \\|\\| self\\.\\1 != '(\\w+)' \\|\\| [^?]+");

  private final List<String> broken = new ArrayList<>();

  private Compatibility() {}

  /** What the new definition breaks, each with its place; empty where nothing. */
  static List<String> broken(JsonNode before, JsonNode now) {
    Compatibility compatibility = new Compatibility();
    compatibility.definition(before, now);
    return compatibility.broken;
  }

  private void definition(JsonNode before, JsonNode now) {
    for (String field : List.of("group", "scope", "names")) {
      JsonNode was = before.at("/spec/" + field);
      JsonNode is = now.at("/spec/" + field);
      if (field.equals("names")) {
        was.properties()
            .forEach(
                name -> {
                  if (name.getValue().isArray()) {
                    members("names." + name.getKey(), name.getValue(), is.path(name.getKey()));
                  } else if (!name.getValue().equals(is.path(name.getKey()))) {
                    broken.add("names." + name.getKey() + " was changed");
                  }
                });
      } else if (!was.equals(is)) {
        broken.add(field + " was changed");
      }
    }
    for (JsonNode version : before.at("/spec/versions")) {
      JsonNode same = version(now, version.path("name").asText());
      String name = version.path("name").asText();
      if (same == null
          || (version.path("served").asBoolean() && !same.path("served").asBoolean())) {
        broken.add("version " + name + " is not served any more");
        continue;
      }
      version
          .path("subresources")
          .fieldNames()
          .forEachRemaining(
              subresource -> {
                if (!same.path("subresources").has(subresource)) {
                  broken.add("subresource " + subresource + " was removed");
                }
              });
      schema(name, version.at("/schema/openAPIV3Schema"), same.at("/schema/openAPIV3Schema"));
    }
  }

  private static JsonNode version(JsonNode definition, String name) {
    for (JsonNode version : definition.at("/spec/versions")) {
      if (version.path("name").asText().equals(name)) {
        return version;
      }
    }
    return null;
  }

  private void schema(String path, JsonNode before, JsonNode now) {
    for (String field : FIXED) {
      if (!before.path(field).equals(now.path(field))) {
        broken.add(path + ": " + field + " was changed");
      }
    }
    bounds(path, before, now);
    if (before.has("enum")) {
      members(path + ": enum", before.path("enum"), now.path("enum"));
    } else if (now.has("enum")) {
      broken.add(path + ": values are limited now");
    }
    if (now.has("pattern") && !now.path("pattern").equals(before.path("pattern"))) {
      broken.add(path + ": another pattern is needed now");
    }
    Set<String> required = texts(now.path("required"));
    required.removeAll(texts(before.path("required")));
    required.forEach(field -> broken.add(path + "." + field + " is required now"));
    Set<String> rules = rules(now);
    rules.removeAll(rules(before));
    rules.removeIf(rule -> isAboutNewValues(rule, before, now));
    rules.forEach(rule -> broken.add(path + ": a rule was added: " + rule));
    before
        .path("properties")
        .properties()
        .forEach(
            property -> {
              JsonNode same = now.path("properties").path(property.getKey());
              if (same.isMissingNode()) {
                broken.add(path + "." + property.getKey() + " was removed");
              } else {
                schema(path + "." + property.getKey(), property.getValue(), same);
              }
            });
    for (String below : List.of("items", "additionalProperties")) {
      if (before.path(below).isObject()) {
        schema(path + "[]", before.path(below), now.path(below));
      }
    }
  }

  /**
   * Whether it can fail for a value of a new field alone, which is not that field's default: no
   * object that was there before has one.
   */
  private static boolean isAboutNewValues(String rule, JsonNode before, JsonNode now) {
    Matcher matcher = NEW_VALUE.matcher(rule);
    return matcher.matches()
        && !before.path("properties").has(matcher.group(1))
        && !now.at("/properties/" + matcher.group(1) + "/default")
            .asText()
            .equals(matcher.group(2));
  }

  private void bounds(String path, JsonNode before, JsonNode now) {
    for (String bound : MOST) {
      if (now.has(bound)
          && (!before.has(bound) || now.path(bound).asLong() < before.path(bound).asLong())) {
        broken.add(path + ": " + bound + " is lower now");
      }
    }
    for (String bound : LEAST) {
      if (now.has(bound)
          && (!before.has(bound) || now.path(bound).asLong() > before.path(bound).asLong())) {
        broken.add(path + ": " + bound + " is higher now");
      }
    }
  }

  private void members(String path, JsonNode before, JsonNode now) {
    Set<String> gone = texts(before);
    gone.removeAll(texts(now));
    gone.forEach(member -> broken.add(path + ": " + member + " was removed"));
  }

  private static Set<String> rules(JsonNode schema) {
    Set<String> rules = new HashSet<>();
    schema.path("x-kubernetes-validations").forEach(rule -> rules.add(rule.path("rule").asText()));
    return rules;
  }

  private static Set<String> texts(JsonNode array) {
    Set<String> texts = new HashSet<>();
    array.forEach(one -> texts.add(one.asText()));
    return texts;
  }
}
