package dev.chaperone.control.resource;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Files of resources: they are read, or every problem has a text. */
class ResourceReaderFuzzTest extends FuzzTest {
  private static final Path VALID = Path.of("src/test/resources/resources/valid");

  @Override
  protected List<byte[]> seeds() throws IOException {
    List<byte[]> seeds = new ArrayList<>();
    try (Stream<Path> files = Files.list(VALID)) {
      for (Path file : files.sorted().toList()) {
        seeds.add(Files.readAllBytes(file));
      }
    }
    return seeds;
  }

  @Override
  protected List<String> words() {
    return List.of(
        "---\n",
        "- ",
        ": ",
        "\n  ",
        "&a ",
        "*a",
        "<<: *a",
        "!!binary ",
        "|\n",
        ">-\n",
        "'",
        "\"",
        "{",
        "}",
        "[",
        "]",
        "? ",
        "#",
        "null",
        "~",
        "yes",
        "0x1F",
        "1e3",
        "30d",
        "64Mi",
        "spec:",
        "kind: ",
        "metadata:",
        "rules:",
        "masking:",
        "columns:",
        "apiVersion: chaperone.dev/v1alpha1");
  }

  @Override
  protected void fuzz(byte[] input) {
    ResourceReader reader = new ResourceReader(true);
    reader.read("file.yaml", input);
    try {
      assertThat(reader.finish("directory").pod()).isNotNull();
    } catch (InvalidConfigurationException e) {
      assertThat(e.problems()).isNotEmpty().allMatch(problem -> !problem.message().isBlank());
    }
  }
}
