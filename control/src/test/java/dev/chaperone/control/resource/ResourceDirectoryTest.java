package dev.chaperone.control.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResourceDirectoryTest {
  private static final String POD =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {app: a}}\n";

  @TempDir Path directory;

  private void write(String name, String text) throws IOException {
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private static String secret(String name) {
    return "apiVersion: v1\nkind: Secret\nmetadata: {name: "
        + name
        + "}\nstringData: {k: hidden}\n";
  }

  @Test
  void readsEveryFileInTheOrderOfNames() throws Exception {
    write("b/pod.yml", POD);
    write("b/c.yaml", secret("two") + "---\n" + secret("three"));
    write("a.json", "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"one\"}}");
    write("README.md", "not yaml: [");
    ResourceSet set = ResourceDirectory.read(directory);
    assertThat(set.secrets())
        .extracting(s -> s.metadata().name())
        .containsExactly("one", "two", "three");
    assertThat(set.pod().spec().serviceAccountName()).isEqualTo("default");
    assertThat(set.pod().metadata().namespace()).isEqualTo("default");
    assertThat(set.notices()).isEmpty();
  }

  @Test
  void readsAMountedConfigMapOnce() throws Exception {
    write("..2026_11_21/pod.yaml", POD);
    Files.createSymbolicLink(directory.resolve("..data"), Path.of("..2026_11_21"));
    Files.createSymbolicLink(directory.resolve("pod.yaml"), Path.of("..data/pod.yaml"));
    assertThat(ResourceDirectory.read(directory).pod().metadata().name()).isEqualTo("a");
  }

  @Test
  void passesOverHiddenDirectories() throws Exception {
    write("pod.yaml", POD);
    write(".git/broken.yaml", "[");
    assertThat(ResourceDirectory.read(directory).pod()).isNotNull();
  }

  @Test
  void followsNoLinkOutOfTheDirectory(@TempDir Path other) throws Exception {
    write("pod.yaml", POD);
    Path outside = Files.writeString(other.resolve("secret.yaml"), secret("outside"));
    Files.createSymbolicLink(directory.resolve("link.yaml"), outside);
    Files.createSymbolicLink(directory.resolve("loop"), directory);
    assertThatThrownBy(() -> ResourceDirectory.read(directory))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessage("link.yaml: is a link that leaves the directory");
    Files.delete(directory.resolve("link.yaml"));
    assertThat(ResourceDirectory.read(directory).notices())
        .containsExactly("loop: links to directories are not followed");
  }

  @Test
  void refusesWhatIsNoTextOrTooLarge() throws Exception {
    write("pod.yaml", POD);
    Files.write(directory.resolve("binary.yaml"), new byte[] {(byte) 0xc3, (byte) 0x28});
    Files.write(
        directory.resolve("large.yaml"),
        ("# " + "x".repeat(5 * 1024 * 1024)).getBytes(StandardCharsets.UTF_8));
    assertThatThrownBy(() -> ResourceDirectory.read(directory))
        .hasMessage(
            "binary.yaml: the file is not UTF-8 text\nlarge.yaml: the file is larger than 4 MiB");
  }

  @Test
  void saysThatADirectoryIsMissing() {
    assertThatThrownBy(() -> ResourceDirectory.read(directory.resolve("nowhere")))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessageEndingWith("nowhere: cannot be read: it does not exist");
  }

  @Test
  void neverShowsASecret() throws Exception {
    write("all.yaml", POD + "---\n" + secret("one"));
    ResourceSet set = ResourceDirectory.read(directory);
    assertThat(set.toString()).doesNotContain("hidden");
    assertThat(set.secrets().get(0).spec().get("k"))
        .contains("hidden".getBytes(StandardCharsets.UTF_8));
    assertThat(set.secrets().get(0).spec()).hasToString("Secret[k]");
  }

  /** Whatever the bytes are, the answer is resources or problems, and never shows a secret. */
  @Test
  void survivesAnyBytes() throws Exception {
    Random random = new Random(7);
    List<Path> files;
    try (Stream<Path> walk = Files.walk(Path.of("src/test/resources/resources"))) {
      files = walk.filter(Files::isRegularFile).sorted().toList();
    }
    int refused = 0;
    for (int round = 0; round < 20; round++) {
      for (Path file : files) {
        byte[] bytes = Files.readAllBytes(file);
        for (int i = 0; i <= random.nextInt(4); i++) {
          int at = random.nextInt(bytes.length);
          switch (random.nextInt(3)) {
            case 0 -> bytes[at] = (byte) random.nextInt(128);
            case 1 -> bytes[at] = (byte) "{}[]:-&*!|>'\"#?, \n\t%@`".charAt(random.nextInt(22));
            default -> bytes = Arrays.copyOf(bytes, at + 1);
          }
        }
        ResourceReader reader = new ResourceReader(true);
        reader.read("f", bytes);
        refused += reader.problems().isEmpty() ? 0 : 1;
        assertThat(reader.problems().toString()).doesNotContain("correct-horse");
      }
    }
    assertThat(refused).isPositive();
  }

  @Test
  void survivesAnchorsThatHoldThemselves() throws Exception {
    write("loop.yaml", "a: &a [*a]\n");
    assertThatThrownBy(() -> ResourceDirectory.read(directory))
        .isInstanceOf(InvalidConfigurationException.class);
  }
}
