package dev.chaperone.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.sidecar.testing.AgentDocuments;
import dev.chaperone.sidecar.testing.FakeOperator;
import dev.chaperone.sidecar.testing.MemoryDirectory;
import dev.chaperone.sidecar.testing.TestAuthority;
import dev.chaperone.sidecar.testing.TestPostgres;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The program as a pod starts it: a process with its bootstrap in the environment. */
@Timeout(120)
class ClusterCommandIT {
  private static final TestAuthority AUTHORITY = new TestAuthority();
  private static final String TOKEN = "the-token-that-is-never-printed";
  private static final String PASSWORD = "correct-horse";

  @TempDir(factory = MemoryDirectory.class)
  Path directory;

  private Process process;

  @AfterEach
  void end() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  private void run(Map<String, String> environment) throws IOException {
    String classPath =
        Stream.of(
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"))
                    .split(File.pathSeparator))
            .filter(entry -> !entry.contains("slf4j"))
            .collect(Collectors.joining(File.pathSeparator));
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                classPath,
                "dev.chaperone.sidecar.Main",
                "cluster")
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("out").toFile());
    builder.environment().putAll(environment);
    process = builder.start();
  }

  private int exitCode() throws InterruptedException {
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  private String output() throws IOException {
    return Files.readString(directory.resolve("out"));
  }

  private Map<String, String> environment(String operator) throws IOException {
    Files.writeString(directory.resolve("ca.crt"), AUTHORITY.pem());
    Files.writeString(directory.resolve("token"), TOKEN);
    Path secret = Files.createDirectories(directory.resolve("secrets/orders-db/orders-db"));
    Files.writeString(secret.resolve("username"), "agent");
    Files.writeString(secret.resolve("password"), PASSWORD);
    return Map.of(
        "CHAPERONE_OPERATOR",
        operator,
        "CHAPERONE_CA_FILE",
        directory.resolve("ca.crt").toString(),
        "CHAPERONE_TOKEN_FILE",
        directory.resolve("token").toString(),
        "CHAPERONE_SECRETS_DIR",
        directory.resolve("secrets").toString(),
        "CHAPERONE_JOURNAL_DIR",
        Files.createDirectories(directory.resolve("journal")).toString(),
        "POD_UID",
        "uid-0");
  }

  @Test
  void servesWhatTheOperatorSaysAndSaysSoWhenItIsStopped() throws Exception {
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("127.0.0.1"))) {
      run(environment("127.0.0.1:" + operator.port()));
      try (FakeOperator.Connection talk = operator.welcome()) {
        talk.send(new Configure(1, AgentDocuments.all(5432, TestPostgres.freePort(), 300, false)));
        assertThat(next(talk, ConfigurationApplied.class).revision()).isEqualTo(1);
        SessionStarted started = next(talk, SessionStarted.class);
        // It may be heard before it is set up to be stopped.
        while (!output().contains("ready") && process.isAlive()) {
          Thread.sleep(20);
        }
        process.destroy();
        assertThat(next(talk, SessionEnded.class))
            .isEqualTo(new SessionEnded(started.session(), false));
        assertThat(exitCode()).isZero();
      }
    }
    assertThat(output()).contains("ready").doesNotContain(TOKEN, PASSWORD);
  }

  @Test
  void withoutItsBootstrapItSaysWhatIsMissing() throws Exception {
    run(Map.of("CHAPERONE_OPERATOR", "127.0.0.1:1"));
    assertThat(exitCode()).isEqualTo(2);
    assertThat(output()).contains("--token-file", "--secrets", "--journal", "--pod-uid");
  }

  @Test
  void theAuthorityCanBeSaidInTheEnvironmentItself() throws Exception {
    Map<String, String> environment = inline(AUTHORITY.pem());
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("127.0.0.1"))) {
      environment.put("CHAPERONE_OPERATOR", "127.0.0.1:" + operator.port());
      run(environment);
      try (FakeOperator.Connection talk = operator.welcome()) {
        talk.send(new Configure(1, AgentDocuments.all(5432, TestPostgres.freePort(), 300, false)));
        assertThat(next(talk, ConfigurationApplied.class).revision()).isEqualTo(1);
      }
    }
  }

  @Test
  void theAuthorityIsSaidInExactlyOneWayAndIsOne() throws Exception {
    Map<String, String> both = new HashMap<>(environment("127.0.0.1:1"));
    both.put("CHAPERONE_CA", AUTHORITY.pem());
    Map<String, String> neither = new HashMap<>(environment("127.0.0.1:1"));
    neither.remove("CHAPERONE_CA_FILE");
    Map<Map<String, String>, String> wrong =
        Map.of(
            both,
            "not by both",
            neither,
            "by either --ca (CHAPERONE_CA) or --ca-file",
            inline(""),
            "no certificate in PEM",
            inline("certificate"),
            "no certificate in PEM",
            inline(AUTHORITY.pem() + "x".repeat(64 * 1024)),
            "larger than 65536 characters");
    for (Map.Entry<Map<String, String>, String> one : wrong.entrySet()) {
      run(one.getKey());
      assertThat(exitCode()).as(output()).isEqualTo(2);
      assertThat(output()).contains(one.getValue());
    }
  }

  private Map<String, String> inline(String pem) throws IOException {
    Map<String, String> environment = new HashMap<>(environment("127.0.0.1:1"));
    environment.remove("CHAPERONE_CA_FILE");
    environment.put("CHAPERONE_CA", pem);
    return environment;
  }

  @Test
  void anAddressThatIsNoneIsRefused() throws Exception {
    for (String address : List.of("operator", "operator:", ":443", "operator:99999")) {
      run(environment(address));
      assertThat(exitCode()).as(output()).isEqualTo(2);
      assertThat(output()).contains("chaperone-sidecar cluster: ");
    }
  }

  private static <T extends ChannelMessage> T next(FakeOperator.Connection talk, Class<T> type)
      throws Exception {
    while (true) {
      ChannelMessage message = talk.receive();
      if (type.isInstance(message)) {
        return type.cast(message);
      }
    }
  }
}
