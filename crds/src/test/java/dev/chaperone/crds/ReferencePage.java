package dev.chaperone.crds;

import static dev.chaperone.crds.CustomResourceDefinitions.map;

import io.fabric8.kubernetes.api.model.HasMetadata;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/**
 * A page about a resource for people, made from its CRD: a section for each object with a table of
 * its fields, what each may be, its default, and the rules by which fields depend on each other.
 * Fields stand in the order of the Java types.
 */
final class ReferencePage {
  /** Patterns that are easier to understand in words. */
  private static final Map<String, String> FORMS =
      Map.of(
          "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$",
          "a time such as `2026-03-02T10:00:00Z`",
          "^([1-9][0-9]{0,5}[smhd]){1,4}$",
          "a duration such as `90s`, `1h30m` or `30d`",
          "^[1-9][0-9]{0,11}(Ki|Mi|Gi|k|M|G)?$",
          "a number of bytes such as `4096`, `64Ki` or `1Gi`",
          "^sha256:[0-9a-f]{64}$",
          "`sha256:` and 64 hexadecimal digits",
          "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
          "lower-case letters, digits, `-` and `.`",
          "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
          "lower-case letters, digits and `-`",
          "^[-._a-zA-Z0-9]+$",
          "letters, digits, `-`, `.` and `_`",
          "^https://.+$",
          "beginning with `https://`");

  private final StringBuilder text = new StringBuilder();

  private ReferencePage() {}

  /** The text of every page by file name. */
  static SortedMap<String, String> generate() {
    SortedMap<String, String> crds = CustomResourceDefinitions.generate();
    SortedMap<String, String> pages = new TreeMap<>();
    for (Class<? extends HasMetadata> type : CustomResourceDefinitions.TYPES) {
      String kind = type.getSimpleName();
      String crd = HasMetadata.getFullResourceName(type) + ".yaml";
      Map<String, Object> definition =
          map(new Yaml(new SafeConstructor(new LoaderOptions())).load(crds.get(crd)));
      ReferencePage page = new ReferencePage();
      page.head(kind, crd, map(definition.get("spec")));
      page.body(type, map(definition.get("spec")));
      pages.put(kind.toLowerCase(Locale.ROOT) + ".md", page.text.toString());
    }
    return pages;
  }

  private void head(String kind, String crd, Map<String, Object> definition) {
    Map<String, Object> names = map(definition.get("names"));
    Map<String, Object> version = map(((List<?>) definition.get("versions")).get(0));
    Map<String, Object> schema = map(map(version.get("schema")).get("openAPIV3Schema"));
    text.append("<!-- Generated from crds/").append(crd).append("; see crds/README.md. -->\n");
    text.append("# ").append(kind).append("\n\n");
    text.append(schema.get("description")).append("\n\n");
    text.append("`apiVersion: ").append(definition.get("group")).append('/');
    text.append(version.get("name")).append("`, `kind: ").append(kind).append("`. ");
    text.append(definition.get("scope")).append("; `kubectl get ").append(names.get("plural"));
    text.append("`, in short `").append(((List<?>) names.get("shortNames")).get(0)).append("`.\n");
    text.append(
        "What the fields mean together is in the [policy reference](../policy-reference.md)");
    text.append(", [connections](../connections.md) and\n[operations](../operations.md).\n");
  }

  private void body(Class<?> resource, Map<String, Object> definition) {
    Map<String, Object> version = map(((List<?>) definition.get("versions")).get(0));
    Map<String, Object> schema = map(map(version.get("schema")).get("openAPIV3Schema"));
    Map<String, Object> properties = map(schema.get("properties"));
    DeclaredOrder.ofResource(resource)
        .forEach((name, type) -> section(name, map(properties.get(name)), type));
  }

  /** An object, and then the objects in it. */
  private void section(String path, Map<String, Object> object, Type type) {
    Map<String, Object> properties = map(object.get("properties"));
    List<?> required = (List<?>) object.getOrDefault("required", List.of());
    Map<String, Type> fields = DeclaredOrder.fields(type);
    if (!fields.keySet().equals(properties.keySet())) {
      throw new IllegalStateException(path + ": " + properties.keySet() + " are not " + fields);
    }
    text.append('\n').append(path.contains(".") ? "### " : "## ").append(path).append("\n\n");
    if (object.get("description") instanceof String description) {
      text.append(description).append("\n\n");
    }
    text.append("| Field | Type | Default | Meaning |\n|---|---|---|---|\n");
    fields.forEach(
        (name, fieldType) ->
            row(path, name, map(properties.get(name)), fieldType, required.contains(name)));
    rules(object);
    fields.forEach(
        (name, fieldType) -> below(path + "." + name, map(properties.get(name)), fieldType));
  }

  private void below(String path, Map<String, Object> field, Type type) {
    if (isObject(field)) {
      section(path, field, type);
    } else if (field.get("items") instanceof Map<?, ?> items && isObject(map(items))) {
      section(path + "[]", map(items), DeclaredOrder.item(type));
    }
  }

  private void row(
      String path, String name, Map<String, Object> field, Type type, boolean required) {
    Object value = field.get("default");
    // Where an object is filled in as a whole, its fields have the defaults that say something.
    boolean shown = value != null && !(value instanceof Map) && !value.equals(List.of());
    String bounds = bounds(field);
    cell(named(path + "." + name, name, field));
    cell(typeOf(field, type));
    cell(required ? "**required**" : shown ? code(value.toString()) : "");
    cell(prose((String) field.get("description")) + (bounds.isEmpty() ? "" : "<br>" + bounds));
    text.append("|\n");
  }

  /** The name, which leads to the section of an object. */
  private static String named(String path, String name, Map<String, Object> field) {
    Object inner = field.containsKey("items") ? field.get("items") : field;
    return isObject(map(inner)) ? "[" + code(name) + "](#" + anchor(path) + ")" : code(name);
  }

  /** What a heading is called in a link: its letters and digits, without the dots and brackets. */
  private static String anchor(String path) {
    return path.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
  }

  private static String typeOf(Map<String, Object> field, Type type) {
    if (field.get("enum") instanceof List<?> values) {
      List<String> declared = DeclaredOrder.values(type);
      if (!List.copyOf(new TreeMap<>(index(declared)).keySet()).equals(values)) {
        throw new IllegalStateException(values + " are not " + declared);
      }
      return declared.stream().map(ReferencePage::code).collect(Collectors.joining(" "));
    }
    if (field.get("items") instanceof Map<?, ?> items) {
      String item = typeOf(map(items), DeclaredOrder.item(type));
      return "list of "
          + (isObject(map(items)) ? "objects" : item.replaceFirst("^string$", "strings"));
    }
    return field.containsKey("additionalProperties")
        ? "map of strings"
        : (String) field.get("type");
  }

  private static Map<String, String> index(List<String> values) {
    return values.stream().collect(Collectors.toMap(value -> value, value -> value));
  }

  /** What a value has to keep to, in words. */
  private static String bounds(Map<String, Object> field) {
    List<String> bounds = new ArrayList<>();
    between(field, "minimum", "maximum", "").ifPresent(bounds::add);
    between(field, "minLength", "maxLength", " characters").ifPresent(bounds::add);
    between(field, "minItems", "maxItems", " items").ifPresent(bounds::add);
    between(field, "minProperties", "maxProperties", " entries").ifPresent(bounds::add);
    String own = bounds.isEmpty() ? "" : capitalized(bounds.get(0)) + pattern(field);
    if (field.get("x-kubernetes-list-map-keys") instanceof List<?> keys) {
      own += "; one for each " + code(keys.get(0).toString());
    }
    Object inner =
        field.containsKey("items") ? field.get("items") : field.get("additionalProperties");
    String each = inner == null || isObject(map(inner)) ? "" : bounds(map(inner));
    String all = own + (each.isEmpty() ? "" : ", each " + uncapitalized(each));
    StringBuilder rules = new StringBuilder(all.isEmpty() || all.endsWith(".") ? all : all + ".");
    for (Object rule : isObject(field) ? List.of() : validations(field)) {
      rules.append(rules.isEmpty() ? "" : " ").append(capitalized(rule(map(rule))));
    }
    return rules.toString();
  }

  private static Optional<String> between(
      Map<String, Object> field, String least, String most, String of) {
    Object low = field.get(least);
    Object high = field.get(most);
    if (low == null && high == null) {
      return Optional.empty();
    }
    boolean onlyMost = low == null || (low.equals(0) && !of.isEmpty());
    String words;
    if (high == null) {
      words = "at least " + low;
    } else if (onlyMost) {
      words = "at most " + high;
    } else {
      words = high.equals(low) ? low.toString() : low + " to " + high;
    }
    return Optional.of(words + of);
  }

  private static String pattern(Map<String, Object> field) {
    return field.get("pattern") instanceof String pattern
        ? ", " + FORMS.getOrDefault(pattern, "of the form " + code(pattern))
        : "";
  }

  /** The rules by which the fields of an object depend on each other. */
  private void rules(Map<String, Object> object) {
    List<?> rules = validations(object);
    if (!rules.isEmpty()) {
      text.append("\nRefused unless this holds:\n\n");
      rules.forEach(rule -> text.append("- ").append(rule(map(rule))).append('\n'));
    }
  }

  private static List<?> validations(Map<String, Object> schema) {
    return (List<?>) schema.getOrDefault("x-kubernetes-validations", List.of());
  }

  private static String rule(Map<String, Object> rule) {
    return rule.get("message") + ": " + code((String) rule.get("rule"));
  }

  private static boolean isObject(Map<String, Object> schema) {
    return schema.containsKey("properties");
  }

  private static String code(String value) {
    return "`" + value + "`";
  }

  private static String prose(String value) {
    return value.replace("*", "\\*");
  }

  /** In a table a bar ends a cell, also between backticks. */
  private void cell(String content) {
    text.append("| ").append(content.replace("|", "\\|")).append(content.isEmpty() ? "" : " ");
  }

  private static String capitalized(String words) {
    return words.substring(0, 1).toUpperCase(Locale.ROOT) + words.substring(1);
  }

  private static String uncapitalized(String words) {
    return words.substring(0, 1).toLowerCase(Locale.ROOT) + words.substring(1);
  }
}
