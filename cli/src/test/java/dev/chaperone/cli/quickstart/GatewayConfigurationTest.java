package dev.chaperone.cli.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GatewayConfigurationTest {
  private static final Path EXAMPLE = Path.of("..", "examples", "quickstart");

  @TempDir private Path temporary;

  @Test
  void writesTheExampleWithItsOwnPortAndPassword() throws IOException {
    Path directory = temporary.resolve("configuration");
    GatewayConfiguration.write(EXAMPLE, directory, 15_433, "made-for-this-run");

    assertThat(directory.resolve("connection.yaml")).content().contains("port: 15433\n");
    assertThat(directory.resolve("policy.yaml"))
        .hasSameTextualContentAs(EXAMPLE.resolve("policy.yaml"));
    assertThat(directory.resolve("support-agent.yaml")).exists();
    Path secret = directory.resolve("secret.yaml");
    assertThat(secret).content().contains("made-for-this-run").doesNotContain("change-me");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(secret)))
        .isEqualTo("rw-------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
        .isEqualTo("rwx------");
  }

  @Test
  void theExampleHasTheNamesTheQuickstartReliesOn() throws IOException {
    String connection = Files.readString(EXAMPLE.resolve("connection.yaml"));
    assertThat(connection)
        .contains("name: " + GatewayConfiguration.CONNECTION)
        .contains("database: " + SampleDatabase.NAME)
        .containsOnlyOnce("port: " + GatewayConfiguration.PORT);
    assertThat(EXAMPLE.resolve("secret.yaml"))
        .content()
        .contains("username: " + SampleDatabase.ROLE);
  }
}
