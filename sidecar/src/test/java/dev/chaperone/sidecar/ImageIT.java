package dev.chaperone.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The container image, as charts/image.sh makes it of this build. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "the image holds libraries of the machine, a Linux")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
@Tag("long")
class ImageIT {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path directory;

  private String run(String... command) throws Exception {
    Path out = directory.resolve("out");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()).start();
    assertThat(process.waitFor(8, TimeUnit.MINUTES)).isTrue();
    String said = Files.readString(out, StandardCharsets.UTF_8);
    assertThat(process.exitValue()).as(said).isZero();
    return said;
  }

  private String image(String file) throws Exception {
    return run("../charts/image.sh", "sidecar", directory.resolve(file).toString(), "a.test/b:1");
  }

  @Test
  void theSameInputGivesTheSameImageOfTheGatewayAndLittleElse() throws Exception {
    String first = image("first.tar");
    assertThat(image("second.tar")).isEqualTo(first).matches("a.test/b:1 sha256:[0-9a-f]{64}\n");
    assertThat(Files.mismatch(directory.resolve("first.tar"), directory.resolve("second.tar")))
        .isEqualTo(-1);

    Path layout = Files.createDirectories(directory.resolve("layout"));
    run("tar", "-C", layout.toString(), "-xf", directory.resolve("first.tar").toString());
    JsonNode index = json(layout.resolve("index.json"));
    JsonNode manifest = json(blob(layout, index.at("/manifests/0/digest")));
    JsonNode config = json(blob(layout, manifest.at("/config/digest")));
    assertThat(config.at("/config/User").asText()).isEqualTo("64532:64532");
    assertThat(config.at("/config/Entrypoint").toString()).isEqualTo("[\"chaperone-sidecar\"]");
    JsonNode docker = json(layout.resolve("manifest.json"));
    assertThat(docker.at("/0/RepoTags/0").asText()).isEqualTo("a.test/b:1");

    List<String> content =
        run("tar", "-tvf", blob(layout, manifest.at("/layers/0/digest")).toString())
            .lines()
            .toList();
    assertThat(content)
        .anyMatch(line -> line.endsWith("./usr/local/bin/chaperone-sidecar"))
        .anyMatch(line -> line.contains("./opt/chaperone/java/bin/java"))
        .anyMatch(line -> line.contains("./opt/chaperone/lib/chaperone-sidecar-"));
    assertThat(content)
        .as("programs are the launcher, a shell, what it waits with, and Java")
        .filteredOn(line -> line.matches("-.* \\./(usr/.*)?s?bin/.*"))
        .hasSize(3);
    assertThat(content)
        .as("nothing runs as another user, or can be written by one")
        .noneMatch(line -> line.matches("-..[sS].*|-.....[sS].*|-.......w.*"))
        .allMatch(line -> line.contains(" 0/0 "));
    JsonNode inventory = everythingIsNamed(blob(layout, manifest.at("/layers/0/digest")));
    if (javaRelease(inventory) >= 21) {
      archiveIsUsed(blob(layout, manifest.at("/layers/0/digest")));
    }
  }

  /** Java goes without an archive that does not fit, unless it is told not to. */
  private void archiveIsUsed(Path layer) throws Exception {
    Path root = Files.createDirectories(directory.resolve("root"));
    run("tar", "-C", root.toString(), "-xf", layer.toString());
    String home = root.resolve("opt/chaperone").toString();
    Path options = directory.resolve("java.options");
    Files.writeString(
        options, Files.readString(Path.of(home, "java.options")).replace("/opt/chaperone", home));
    String loaded =
        run(
            home + "/java/bin/java",
            "@" + options,
            "-Xshare:on",
            "-Xlog:class+load",
            "dev.chaperone.sidecar.Main",
            "--help");
    assertThat(loaded)
        .contains(" dev.chaperone.sidecar.Main source: shared objects file")
        .contains("Usage: ")
        .doesNotContain("[cds]");
  }

  private static int javaRelease(JsonNode inventory) {
    for (JsonNode one : inventory.path("components")) {
      if (one.path("name").asText().equals("Java runtime")) {
        return Integer.parseInt(one.path("version").asText().split("[.+]", 2)[0]);
      }
    }
    throw new AssertionError("no Java runtime is named");
  }

  /** For scanners: each library of the program, and each of the machine. */
  private JsonNode everythingIsNamed(Path layer) throws Exception {
    List<String> files = run("tar", "-tf", layer.toString()).lines().toList();
    JsonNode inventory =
        JSON.readTree(
            run("tar", "-xOf", layer.toString(), "./usr/share/sbom/chaperone-sidecar.cdx.json"));
    assertThat(inventory.path("bomFormat").asText()).isEqualTo("CycloneDX");
    List<String> names = new ArrayList<>();
    for (JsonNode one : inventory.path("components")) {
      String name = one.path("name").asText();
      names.add(name.startsWith("/") ? name : name + "-" + one.path("version").asText());
      if (one.path("purl").asText().startsWith("pkg:maven/")) {
        assertThat(one.at("/hashes/0/content").asText()).matches("[0-9a-f]{64}");
      }
    }
    assertThat(names).anyMatch(name -> name.matches("Java runtime-[0-9]+[.+].*"));
    assertThat(files)
        .filteredOn(file -> file.startsWith("./opt/chaperone/lib/") && file.endsWith(".jar"))
        .hasSizeGreaterThan(20)
        .map(file -> file.substring(file.lastIndexOf('/') + 1))
        .allMatch(jar -> names.stream().anyMatch(jar::startsWith));
    assertThat(files)
        .filteredOn(file -> file.contains(".so") && !file.startsWith("./opt/"))
        .hasSizeGreaterThan(3)
        .map(file -> file.substring(1))
        .isSubsetOf(names);
    return inventory;
  }

  private static JsonNode json(Path file) throws IOException {
    return JSON.readTree(file.toFile());
  }

  private static Path blob(Path layout, JsonNode digest) {
    return layout.resolve("blobs/sha256").resolve(digest.asText().substring("sha256:".length()));
  }
}
