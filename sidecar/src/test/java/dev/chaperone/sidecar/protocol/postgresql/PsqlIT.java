package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a person or an agent does with psql. */
class PsqlIT {
  @TempDir Path temporary;
  private TestPostgres server;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    boolean installed =
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, "psql")));
    if (!installed) {
      System.err.println("NOT RUN: tests with psql, it is not installed");
    }
    Assumptions.assumeTrue(installed, "psql is not installed");
    // An older psql asks a newer server for columns that are gone; installed together they fit.
    server = TestPostgres.shared(TestPostgres.Kind.INSTALLED);
    server.reset();
    gateway = GatewayUnderTest.start(server);
  }

  @AfterEach
  void stop() {
    if (gateway != null) {
      gateway.close();
    }
  }

  private Process process(String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                "psql",
                "-X",
                "-At",
                "-h",
                "127.0.0.1",
                "-p",
                "" + gateway.port(),
                "-U",
                "me",
                "-d",
                TestPostgres.DATABASE));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("LC_ALL", "C");
    return builder.directory(temporary.toFile()).start();
  }

  private String psql(String... arguments) throws Exception {
    Process process = process(arguments);
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return output;
  }

  @Test
  void describesWhatIsThere() throws Exception {
    assertThat(psql("-c", "\\d")).contains("public|t|table").doesNotContain("ERROR");
    assertThat(psql("-c", "\\d t")).contains("id|integer||not null|");
    assertThat(psql("-c", "\\d+ t", "-c", "\\dn", "-c", "\\du", "-c", "\\df"))
        .doesNotContain("ERROR");
  }

  @Test
  void copiesFromAndToFiles() throws Exception {
    assertThat(psql("-c", "\\copy t to 'out.csv' csv")).isEqualTo("COPY 5\n");
    assertThat(temporary.resolve("out.csv")).content().startsWith("1,value 1\n");
    Files.writeString(temporary.resolve("in.csv"), "7,x\n8,y\n");
    assertThat(psql("-c", "\\copy log from 'in.csv' csv")).isEqualTo("COPY 2\n");
    assertThat(psql("-c", "\\copy denied from 'in.csv' csv")).contains("off limits");
    assertThat(server.query("SELECT count(*) FROM log")).containsExactly("2");
  }

  @Test
  void goesOnAfterAnErrorAndARefusal() throws Exception {
    assertThat(psql("-c", "SELECT 1/0", "-c", "SELECT * FROM denied", "-c", "SELECT 'still here'"))
        .contains("division by zero")
        .contains("That table is off limits")
        .contains("DETAIL:")
        .contains("HINT:")
        .endsWith("still here\n");
  }

  @Test
  void showsTheServersOwnErrorUnchanged() throws Exception {
    assertThat(psql("-c", "SELECT nonsense FROM t"))
        .contains("LINE 1: SELECT nonsense")
        .contains("^");
  }

  @Test
  void anInterruptCancels() throws Exception {
    Process process = process("-c", "SELECT pg_sleep(60)");
    for (int i = 0;
        i < 100
            && server
                .query("SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'")
                .isEmpty();
        i++) {
      Thread.sleep(50);
    }
    new ProcessBuilder("kill", "-INT", "" + process.pid()).start().waitFor();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(output).contains("canceling statement due to user request");
  }
}
