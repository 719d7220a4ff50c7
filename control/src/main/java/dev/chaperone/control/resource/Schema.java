package dev.chaperone.control.resource;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * The structural schema of a CRD: the same file that the API server validates with, so that both
 * refuse the same. Its CEL rules are not evaluated here (that would load a CEL runtime into every
 * gateway); {@link CrossFieldRules} says them in Java, and a test holds both against each other.
 *
 * @param type object, array, string, integer, boolean
 */
record Schema(
    String type,
    Map<String, Schema> properties,
    Set<String> required,
    Optional<Schema> additional,
    Optional<Schema> items,
    Optional<Object> standard,
    List<String> values,
    Optional<Pattern> pattern,
    Map<String, Long> bounds,
    Optional<String> listMapKey,
    List<String> rules) {

  /** The schema of a resource, by the plural name of its CRD. */
  static Schema ofCrd(String plural) {
    Map<?, ?> crd = document("/META-INF/chaperone/crds/" + plural + ".chaperone.dev.yaml");
    Map<?, ?> spec = (Map<?, ?>) crd.get("spec");
    Map<?, ?> version = (Map<?, ?>) ((List<?>) spec.get("versions")).get(0);
    return of((Map<?, ?>) ((Map<?, ?>) version.get("schema")).get("openAPIV3Schema"));
  }

  /** The schema of a kind of file that is no resource, by its name. */
  static Schema ofFile(String name) {
    return of(document("/META-INF/chaperone/schemas/" + name + ".yaml"));
  }

  private static Map<?, ?> document(String resource) {
    List<Problem> problems = new ArrayList<>();
    List<Tree> documents;
    try (InputStream in = Schema.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(resource + " is missing");
      }
      documents = YamlReader.read(resource, in.readAllBytes(), problems);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (!problems.isEmpty()) {
      throw new IllegalStateException(problems.toString());
    }
    return (Map<?, ?>) plain(documents.get(0));
  }

  private static Schema of(Map<?, ?> node) {
    Map<String, Schema> properties = new LinkedHashMap<>();
    if (node.get("properties") instanceof Map<?, ?> map) {
      map.forEach((name, property) -> properties.put((String) name, of((Map<?, ?>) property)));
    }
    Map<String, Long> bounds = new LinkedHashMap<>();
    for (String bound :
        List.of(
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "minProperties",
            "maxProperties")) {
      if (node.get(bound) instanceof Long value) {
        bounds.put(bound, value);
      }
    }
    List<String> rules = new ArrayList<>();
    if (node.get("x-kubernetes-validations") instanceof List<?> list) {
      for (Object rule : list) {
        // Rules about changes have no meaning for a file, as they have none when it is created.
        if (!((String) ((Map<?, ?>) rule).get("rule")).contains("oldSelf")) {
          rules.add((String) ((Map<?, ?>) rule).get("message"));
        }
      }
    }
    return new Schema(
        (String) node.get("type"),
        properties,
        new TreeSet<>(strings(node.get("required"))),
        child(node, "additionalProperties"),
        child(node, "items"),
        Optional.ofNullable(node.get("default")),
        strings(node.get("enum")),
        Optional.ofNullable((String) node.get("pattern")).map(Schema::pattern),
        bounds,
        strings(node.get("x-kubernetes-list-map-keys")).stream().findFirst(),
        rules);
  }

  /** To Java, {@code $} also matches before a last line break; to the API server it does not. */
  private static Pattern pattern(String source) {
    return Pattern.compile(
        source.endsWith("$") ? source.substring(0, source.length() - 1) + "\\z" : source);
  }

  private static Optional<Schema> child(Map<?, ?> node, String name) {
    return node.get(name) instanceof Map<?, ?> child ? Optional.of(of(child)) : Optional.empty();
  }

  private static List<String> strings(Object node) {
    return node instanceof List<?> list
        ? list.stream().map(String.class::cast).toList()
        : List.of();
  }

  /** A tree as plain maps, lists and scalars, without positions. */
  static Object plain(Tree tree) {
    if (tree instanceof Tree.Mapping mapping) {
      Map<String, Object> map = new LinkedHashMap<>();
      mapping.fields().forEach((name, field) -> map.put(name, plain(field.value())));
      return map;
    }
    if (tree instanceof Tree.Sequence sequence) {
      List<Object> list = new ArrayList<>();
      sequence.items().forEach(item -> list.add(plain(item)));
      return list;
    }
    return ((Tree.Scalar) tree).value();
  }

  /** How long a text may be is counted in characters, as the API server does. */
  static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
