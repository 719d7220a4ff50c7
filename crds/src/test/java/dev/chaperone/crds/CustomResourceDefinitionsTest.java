package dev.chaperone.crds;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

class CustomResourceDefinitionsTest {
  private static final Path DIRECTORY = Path.of("").toAbsolutePath();
  private static final Path REFERENCE = Path.of("../docs/reference").toAbsolutePath().normalize();

  @Test
  void committedFilesAreWhatTheTypesSay() throws IOException {
    assertCommitted(DIRECTORY, ".yaml", CustomResourceDefinitions.generate());
  }

  @Test
  void committedReferenceIsWhatTheDefinitionsSay() throws IOException {
    assertCommitted(REFERENCE, ".md", ReferencePage.generate());
  }

  private static void assertCommitted(Path directory, String ending, Map<String, String> generated)
      throws IOException {
    if (Boolean.getBoolean("crds.regenerate")) {
      Files.createDirectories(directory);
      for (Map.Entry<String, String> file : generated.entrySet()) {
        Files.writeString(directory.resolve(file.getKey()), file.getValue());
      }
    }
    assertThat(files(directory, ending).stream().map(p -> p.getFileName().toString()))
        .as("files in %s", directory)
        .containsExactlyInAnyOrderElementsOf(generated.keySet());
    for (Map.Entry<String, String> file : generated.entrySet()) {
      assertThat(Files.readString(directory.resolve(file.getKey())))
          .as(
              "%s differs from the Java types. Run: mvn -pl crds test -Dcrds.regenerate=true,"
                  + " and commit the files",
              file.getKey())
          .isEqualTo(file.getValue());
    }
  }

  @Test
  void everyObjectOfTheReferenceHasASectionThatLinksLeadTo() {
    ReferencePage.generate()
        .forEach(
            (file, page) -> {
              List<String> sections =
                  page.lines()
                      .filter(line -> line.startsWith("##"))
                      .map(line -> line.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", ""))
                      .toList();
              List<String> links =
                  Pattern.compile("\\(#([^)]*)\\)")
                      .matcher(page)
                      .results()
                      .map(match -> match.group(1))
                      .toList();
              assertThat(sections).as(file).doesNotHaveDuplicates();
              assertThat(sections).as(file).contains("spec", "status").containsAll(links);
              assertThat(links).as(file).hasSize(sections.size() - 2);
            });
  }

  static List<Path> committed() throws IOException {
    return files(DIRECTORY, ".yaml");
  }

  private static List<Path> files(Path directory, String ending) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(p -> p.toString().endsWith(ending)).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("committed")
  void schemaIsCompleteAndBounded(Path file) throws IOException {
    Map<String, Object> crd =
        CustomResourceDefinitions.map(
            new Yaml(new SafeConstructor(new LoaderOptions())).load(Files.readString(file)));
    Map<String, Object> spec = CustomResourceDefinitions.map(crd.get("spec"));
    Map<String, Object> version =
        CustomResourceDefinitions.map(((List<?>) spec.get("versions")).get(0));
    Map<String, Object> schema =
        CustomResourceDefinitions.map(
            CustomResourceDefinitions.map(version.get("schema")).get("openAPIV3Schema"));
    List<String> problems = new ArrayList<>();
    walk(schema, "", problems);
    assertThat(problems).isEmpty();
    assertThat(spec).containsEntry("scope", "Namespaced").containsEntry("group", "chaperone.dev");
    assertThat(version).containsEntry("name", "v1alpha1").containsKey("additionalPrinterColumns");
    assertThat(CustomResourceDefinitions.map(version.get("subresources"))).containsKey("status");
    assertThat(CustomResourceDefinitions.map(spec.get("names")))
        .containsEntry("categories", List.of("chaperone"))
        .containsKeys("shortNames", "singular", "plural");
  }

  private static void walk(Map<String, Object> schema, String path, List<String> problems) {
    if (!(schema.get("type") instanceof String type)) {
      problems.add(path + ": no type");
      return;
    }
    if (!path.endsWith("[]")
        && !path.endsWith("{}")
        && !(schema.get("description") instanceof String)) {
      problems.add(path + ": no description");
    }
    switch (type) {
      case "object" -> {
        if (schema.get("properties") instanceof Map<?, ?> properties) {
          properties.forEach(
              (name, property) ->
                  walk(
                      CustomResourceDefinitions.map(property),
                      path.isEmpty() ? (String) name : path + "." + name,
                      problems));
        } else if (schema.get("additionalProperties") instanceof Map<?, ?> values) {
          if (!schema.containsKey("maxProperties")) {
            problems.add(path + ": unbounded map");
          }
          walk(CustomResourceDefinitions.map(values), path + "{}", problems);
        } else {
          problems.add(path + ": object without properties");
        }
      }
      case "array" -> {
        if (!schema.containsKey("maxItems")) {
          problems.add(path + ": unbounded list");
        }
        walk(CustomResourceDefinitions.map(schema.get("items")), path + "[]", problems);
      }
      case "string" -> {
        if (!schema.containsKey("maxLength") && !schema.containsKey("enum")) {
          problems.add(path + ": unbounded string");
        }
      }
      case "integer" -> {
        if (!schema.containsKey("minimum")) {
          problems.add(path + ": unbounded number");
        }
      }
      case "boolean" -> {}
      default -> problems.add(path + ": type " + type);
    }
  }

  @Test
  void wordsThatYamlReadsOtherwiseAreQuoted() throws IOException {
    for (Path file : committed()) {
      assertThat(Files.readAllLines(file))
          .map(String::strip)
          .doesNotContain("- Null", "- True", "- False", "- On", "- Off", "- Yes", "- No");
    }
  }

  @Test
  void listsOfDecisionsAreMapsByWhoDecided() throws IOException {
    String text =
        Files.readAllLines(DIRECTORY.resolve("approvalrequests.chaperone.dev.yaml")).stream()
            .map(String::strip)
            .collect(Collectors.joining("\n"));
    assertThat(text).contains("x-kubernetes-list-map-keys:\n- by\n");
  }
}
