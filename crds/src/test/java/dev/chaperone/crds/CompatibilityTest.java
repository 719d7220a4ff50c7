package dev.chaperone.crds;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What was accepted stays accepted. {@code src/test/resources/released} holds the definitions that
 * people have in their clusters: they are replaced when a release is made, and at no other time.
 */
class CompatibilityTest {
  private static final Path RELEASED = Path.of("src", "test", "resources", "released");
  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
  private static final String SCHEMA = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";

  static List<Path> released() throws IOException {
    try (Stream<Path> files = Files.list(RELEASED)) {
      return files.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("released")
  void nothingThatWasReleasedIsRemovedRetypedOrNarrowed(Path definition) throws IOException {
    assertThat(
            Compatibility.broken(
                read(definition), read(Path.of(definition.getFileName().toString()))))
        .isEmpty();
  }

  @Test
  void everyResourceWasReleased() throws IOException {
    try (Stream<Path> now = Files.list(Path.of(""))) {
      assertThat(now.map(Path::toString).filter(name -> name.endsWith(".chaperone.dev.yaml")))
          .hasSize(4)
          .allMatch(name -> Files.exists(RELEASED.resolve(name)));
    }
  }

  static Stream<Arguments> changes() {
    return Stream.of(
        change("v1alpha1.spec.listen was removed", spec -> properties(spec).remove("listen")),
        change(
            "v1alpha1.spec.protocol: type was changed",
            spec -> property(spec, "protocol").put("type", "integer")),
        change(
            "v1alpha1.spec.protocol: enum: PostgreSQL was removed",
            spec -> {
              ArrayNode values = (ArrayNode) property(spec, "protocol").get("enum");
              for (int i = values.size() - 1; i >= 0; i--) {
                if (values.get(i).asText().equals("PostgreSQL")) {
                  values.remove(i);
                }
              }
            }),
        change(
            "v1alpha1.spec.more is required now",
            spec -> {
              properties(spec).putObject("more").put("type", "string");
              ((ArrayNode) spec.get("required")).add("more");
            }),
        change(
            "v1alpha1.spec: a rule was added: self.a == 1",
            spec ->
                spec.withArray("x-kubernetes-validations").addObject().put("rule", "self.a == 1")),
        change(
            "v1alpha1.spec: a rule was added: !has(self.suspended) || self.suspended != 'x' || a",
            spec ->
                spec.withArray("x-kubernetes-validations")
                    .addObject()
                    .put("rule", "!has(self.suspended) || self.suspended != 'x' || a")),
        change(
            "v1alpha1.spec: a rule was added: !has(self.more) || self.more != 'all' || a",
            spec -> {
              properties(spec).putObject("more").put("default", "all");
              spec.withArray("x-kubernetes-validations")
                  .addObject()
                  .put("rule", "!has(self.more) || self.more != 'all' || a");
            }),
        change(
            "v1alpha1.spec.leaseSeconds: maximum is lower now",
            spec -> property(spec, "leaseSeconds").put("maximum", 1)),
        change(
            "v1alpha1.spec.leaseSeconds: minimum is higher now",
            spec -> property(spec, "leaseSeconds").put("minimum", 1_000_000)),
        change(
            "v1alpha1.spec.leaseSeconds: default was changed",
            spec -> property(spec, "leaseSeconds").put("default", 7)));
  }

  private static Arguments change(String expected, Consumer<ObjectNode> change) {
    return Arguments.of(expected, change);
  }

  private static ObjectNode properties(ObjectNode spec) {
    return (ObjectNode) spec.get("properties");
  }

  private static ObjectNode property(ObjectNode spec, String name) {
    return (ObjectNode) properties(spec).get(name);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("changes")
  void whatBreaksIsNamedWithItsPlace(String expected, Consumer<ObjectNode> change)
      throws IOException {
    JsonNode before = read(RELEASED.resolve("agentconnections.chaperone.dev.yaml"));
    JsonNode now = before.deepCopy();
    change.accept((ObjectNode) now.at(SCHEMA));
    assertThat(Compatibility.broken(before, now)).containsExactly(expected);
  }

  @Test
  void whatIsAddedBreaksNothing() throws IOException {
    JsonNode before = read(RELEASED.resolve("agentconnections.chaperone.dev.yaml"));
    JsonNode now = before.deepCopy();
    ObjectNode spec = (ObjectNode) now.at(SCHEMA);
    properties(spec).putObject("more").put("type", "string");
    ((ArrayNode) property(spec, "protocol").get("enum")).add("More");
    property(spec, "leaseSeconds").put("maximum", 1_000_000);
    spec.withArray("x-kubernetes-validations")
        .addObject()
        .put("rule", "!has(self.more) || self.more != 'all' || self.protocol == 'SSH'");
    assertThat(Compatibility.broken(before, now)).isEmpty();
  }

  private static JsonNode read(Path definition) throws IOException {
    return YAML.readTree(definition.toFile());
  }
}
