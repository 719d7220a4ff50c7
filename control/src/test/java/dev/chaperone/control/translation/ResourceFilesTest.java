package dev.chaperone.control.translation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.chaperone.control.resource.InvalidConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * One test per file of {@code resources/valid} and {@code resources/invalid}. The leading comments
 * of a file say which of {@code resources/common} lie beside it ({@code # with:}), and what is
 * expected: {@code # expect: line:column: path: message} for each problem, {@code # serves:} and
 * {@code # notice:} for what is valid.
 */
class ResourceFilesTest {
  private static final Path RESOURCES = Path.of("src/test/resources/resources");

  @TestFactory
  Stream<DynamicTest> valid() throws IOException {
    return files("valid").stream()
        .map(
            file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> checkValid(file)));
  }

  @TestFactory
  Stream<DynamicTest> invalid() throws IOException {
    return files("invalid").stream()
        .map(
            file ->
                DynamicTest.dynamicTest(file.getFileName().toString(), () -> checkInvalid(file)));
  }

  private static List<Path> files(String kind) throws IOException {
    try (Stream<Path> files = Files.list(RESOURCES.resolve(kind))) {
      List<Path> sorted = files.sorted().toList();
      assertThat(sorted).allMatch(f -> f.getFileName().toString().startsWith(kind + "-"));
      return sorted;
    }
  }

  private static void checkValid(Path file) throws Exception {
    Configuration configuration = Configuration.load(directory(file), 1);
    assertThat(configuration.connections())
        .extracting(ConnectionConfiguration::name)
        .containsExactlyElementsOf(comments(file, "serves"));
    List<String> notices = comments(file, "notice");
    assertThat(configuration.notices()).hasSameSizeAs(notices);
    for (int i = 0; i < notices.size(); i++) {
      assertThat(configuration.notices().get(i)).contains(notices.get(i));
    }
  }

  private static void checkInvalid(Path file) throws Exception {
    Path directory = directory(file);
    InvalidConfigurationException invalid =
        catchThrowableOfType(
            InvalidConfigurationException.class, () -> Configuration.load(directory, 1));
    assertThat(invalid).as("nothing is wrong with %s", file).isNotNull();
    String prefix = "case.yaml:";
    List<String> problems =
        invalid.problems().stream()
            .map(problem -> problem.toString().replace(directory + ": ", ""))
            .map(text -> text.startsWith(prefix) ? text.substring(prefix.length()).strip() : text)
            .toList();
    assertThat(problems).containsExactlyElementsOf(comments(file, "expect"));
    assertThat(invalid.getMessage()).doesNotContain("correct-horse");
  }

  private static Path directory(Path file) throws IOException {
    Path directory = Files.createTempDirectory(Path.of("target"), "resources");
    Files.copy(file, directory.resolve("case.yaml"));
    for (String common : comments(file, "with")) {
      for (String name : common.split(" ", -1)) {
        Files.copy(
            RESOURCES.resolve("common/" + name + ".yaml"), directory.resolve(name + ".yaml"));
      }
    }
    return directory;
  }

  private static List<String> comments(Path file, String key) throws IOException {
    String prefix = "# " + key + ": ";
    return Files.readAllLines(file).stream()
        .filter(line -> line.startsWith(prefix))
        .map(line -> line.substring(prefix.length()).strip())
        .filter(text -> !text.isEmpty())
        .toList();
  }
}
