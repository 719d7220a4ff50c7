package dev.chaperone.cli.quickstart;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.chaperone.cli.CommandRun;
import dev.chaperone.recording.memory.JournalMemory;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The quickstart as its users run it: the launcher, the real gateway, a real driver. */
@Timeout(180)
class QuickstartIT {
  private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
  private static final Pattern URL = Pattern.compile("jdbc:postgresql://\\S+");
  private static final Pattern RUN = Pattern.compile("The rules are in (.*)/configuration/");

  private final List<String> output = new ArrayList<>();

  @TempDir private Path temporary;
  private Process quickstart;
  private List<ProcessHandle> children = List.of();

  @BeforeAll
  static void theGatewayIsBuilt() {
    assertThat(HOME.resolve("sidecar/target/lib"))
        .as("the gateway's program; build the whole project, not this module alone")
        .isDirectory();
  }

  @AfterEach
  void end() throws InterruptedException {
    if (quickstart != null && quickstart.isAlive()) {
      quickstart.destroy();
      if (!quickstart.waitFor(30, TimeUnit.SECONDS)) {
        quickstart.destroyForcibly();
      }
    }
    children.forEach(ProcessHandle::destroyForcibly);
  }

  @Test
  void allowsRefusesAndLeavesNothingBehind() throws Exception {
    start();
    Path run = Path.of(said(RUN));
    assertThat(run).isDirectory();
    assertThat(children).hasSizeGreaterThanOrEqualTo(2);
    try (Connection connection = DriverManager.getConnection(said(URL));
        Statement statement = connection.createStatement()) {
      assertThat(number(statement, "SELECT count(*) FROM orders")).isEqualTo(400);
      assertThat(statement.executeUpdate("UPDATE tickets SET status = 'solved' WHERE id = 1"))
          .isEqualTo(1);
      assertRefused(statement, "DROP TABLE customers");
      assertRefused(statement, "UPDATE tickets SET status = 'solved'");
      assertRefused(statement, "DELETE FROM cards WHERE id = 1");
      assertThat(number(statement, "SELECT count(*) FROM customers")).isEqualTo(40);
      assertThat(number(statement, "SELECT count(*) FROM tickets WHERE status <> 'solved'"))
          .isPositive();
    }
    assertThat(Files.readString(HOME.resolve("examples/quickstart/secret.yaml")))
        .as("the example is not touched")
        .contains("change-me");
    assertEnds(0);
    assertThat(run).doesNotExist();
  }

  @Test
  void holdsAWriteUntilTheCommandHasDecided() throws Exception {
    start();
    String status = Path.of(said(RUN)).resolve("status").toString();
    CommandRun nothing = CommandRun.of("requests", "--status", status);
    assertThat(nothing.output()).isEqualToIgnoringNewLines("Nothing waits for approval.");
    ExecutorService agent = Executors.newSingleThreadExecutor();
    try {
      Future<Integer> deleted =
          agent.submit(() -> updated(said(URL), "DELETE FROM orders WHERE id = 1"));
      String name = awaitRequest(status);
      assertThat(CommandRun.of("show", name, "--status", status).output())
          .contains("delete from orders where id = 1", "Write: DELETE on public.orders");
      CommandRun stranger = CommandRun.of("approve", name, "--as", "mallory", "--status", status);
      assertThat(stranger.exitCode()).isEqualTo(1);
      assertThat(stranger.errors()).contains("does not count", "group dba");
      assertThat(deleted.isDone()).isFalse();
      CommandRun approved = CommandRun.of("approve", name, "-m", "fine", "--status", status);
      assertThat(approved.exitCode()).as(approved.errors()).isZero();
      assertThat(deleted.get(20, TimeUnit.SECONDS)).isEqualTo(1);
      CommandRun late = CommandRun.of("deny", name, "--as", "bob", "--status", status);
      assertThat(late.exitCode()).isEqualTo(1);
      assertThat(late.errors()).contains("not open any more");
      Future<Integer> again =
          agent.submit(() -> updated(said(URL), "DELETE FROM orders WHERE id = 1"));
      String second = awaitRequest(status);
      assertThat(second).isNotEqualTo(name);
      assertThat(
              CommandRun.of("deny", second, "-m", "once is enough", "--status", status).exitCode())
          .isZero();
      assertThatThrownBy(() -> again.get(20, TimeUnit.SECONDS))
          .hasMessageContaining("once is enough");
    } finally {
      agent.shutdownNow();
    }
    assertThat(CommandRun.of("requests", "--all", "--status", status).output())
        .contains("Used", "Denied");
    assertThat(CommandRun.of("show", "nothing-here", "--status", status).exitCode()).isEqualTo(1);
    assertThat(CommandRun.of("show", "../etc", "--status", status).exitCode()).isEqualTo(2);
    assertThat(CommandRun.of("requests", "--status", status + "-not").exitCode()).isEqualTo(2);
    assertEnds(0);
  }

  private static int updated(String url, String sql) throws SQLException {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      return statement.executeUpdate(sql);
    }
  }

  private static String awaitRequest(String status) throws InterruptedException {
    Pattern pending = Pattern.compile("^(\\S+)\\s+Pending", Pattern.MULTILINE);
    for (int i = 0; i < 400; i++) {
      Matcher line = pending.matcher(CommandRun.of("requests", "--status", status).output());
      if (line.find()) {
        return line.group(1);
      }
      Thread.sleep(50);
    }
    throw new AssertionError("no request was opened");
  }

  @Test
  void theTourShowsEveryPromise() throws Exception {
    long begin = System.nanoTime();
    List<String> tour = tour();
    assertThat(tour).last().asString().isEqualTo("tour: 9 steps passed");
    assertThat(tour).noneMatch(line -> line.contains("FAILED"));
    assertThat(tour).allMatch(line -> !line.contains("\u001b"));
    assertThat(String.join("\n", tour)).doesNotContain("901-07-0613", "ada.ahn@example.com");
    System.out.printf("the tour took %d s%n", (System.nanoTime() - begin) / 1_000_000_000);
  }

  @Test
  void printsNoPassword() throws Exception {
    start();
    String secret = Files.readString(Path.of(said(RUN)).resolve("configuration/secret.yaml"));
    Matcher password = Pattern.compile("password: (\\w+)").matcher(secret);
    assertThat(password.find()).isTrue();
    assertThat(String.join("\n", output)).doesNotContain(password.group(1));
    for (ProcessHandle child : children) {
      assertThat(child.info().commandLine().orElse("")).doesNotContain(password.group(1));
    }
    assertEnds(0);
  }

  @Test
  void keepsWhatItIsToldToKeep() throws Exception {
    Path kept = temporary.resolve("kept");
    // The database may run as another user, who has to get there.
    temporary.toFile().setExecutable(true, false);
    start("--keep", kept.toString());
    assertEnds(0);
    assertThat(kept.resolve("configuration/policy.yaml")).exists();
    assertThat(kept.resolve("gateway.log")).exists();
  }

  @Test
  void whatHappensIsRecordedAndTheSessionCanBeRevoked() throws Exception {
    Path kept = temporary.resolve("kept");
    temporary.toFile().setExecutable(true, false);
    start("--keep", kept.toString());
    String status = kept.resolve("status").toString();
    String sessions = CommandRun.of("sessions", "--active", "--status", status).output();
    String name = sessions.lines().skip(1).findFirst().orElseThrow().split(" ", 2)[0];
    try (Connection connection = DriverManager.getConnection(said(URL));
        Statement statement = connection.createStatement()) {
      assertThat(number(statement, "SELECT count(*) FROM orders")).isEqualTo(400);
      assertRefused(statement, "DROP TABLE customers");
      // It is on the disk within 100 ms.
      await()
          .atMost(Duration.ofSeconds(5))
          .untilAsserted(
              () ->
                  assertThat(CommandRun.of("replay", name, "--status", status).output())
                      .contains("SELECT count(*) FROM orders", "SELECT 1, 1 row")
                      .contains("DENIED", "DROP TABLE customers"));
      CommandRun revoke = CommandRun.of("revoke", name, "--status", status);
      assertThat(revoke.errors()).isEmpty();
      assertThat(revoke.exitCode()).isZero();
      assertThatThrownBy(() -> statement.execute("SELECT 1")).isInstanceOf(SQLException.class);
    }
    assertThatThrownBy(() -> DriverManager.getConnection(said(URL)))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("revoked");
    assertThat(CommandRun.of("revoke", name, "--status", status).errors()).contains("is over");
    assertEnds(0);
    CommandRun verify = CommandRun.of("verify", kept.resolve("status/recordings").toString());
    assertThat(verify.exitCode()).as(verify.output()).isZero();
    assertThat(CommandRun.of("sessions", "--status", status).output()).contains("Revoked");
  }

  @Test
  void goesToAnotherPortWhenItsOwnIsTaken() throws Exception {
    try (ServerSocket taken =
        new ServerSocket(Ports.anyFree(), 1, InetAddress.getLoopbackAddress())) {
      start("--port", String.valueOf(taken.getLocalPort()));
      assertThat(String.join("\n", output)).contains(taken.getLocalPort() + " is taken");
      try (Connection connection = DriverManager.getConnection(said(URL));
          Statement statement = connection.createStatement()) {
        assertThat(number(statement, "SELECT 1")).isEqualTo(1);
      }
      assertEnds(0);
    }
  }

  @Test
  void endsWithEverythingWhenTheGatewayDies() throws Exception {
    start();
    Path run = Path.of(said(RUN));
    ProcessHandle gateway =
        children.stream()
            .filter(child -> child.info().commandLine().orElse("").contains("sidecar"))
            .findFirst()
            .orElseThrow();
    Path memory = JournalMemory.find(run.resolve("status/recordings")).get(0).directory();
    gateway.destroyForcibly();
    assertThat(quickstart.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(quickstart.exitValue()).isEqualTo(1);
    assertNothingIsLeft();
    assertThat(run).doesNotExist();
    assertThat(memory).doesNotExist();
  }

  @Test
  void leavesNothingWhenStoppedWhileStarting() throws Exception {
    for (long millis : new long[] {300, 700, 1100}) {
      Path tmp = Files.createDirectory(temporary.resolve("tmp" + millis));
      launch("-Djava.io.tmpdir=" + tmp);
      Thread.sleep(millis);
      children = quickstart.descendants().toList();
      quickstart.destroy();
      assertThat(quickstart.waitFor(30, TimeUnit.SECONDS)).isTrue();
      assertNothingIsLeft();
      assertThat(tmp).isEmptyDirectory();
    }
  }

  private void start(String... options) throws IOException {
    launch("", options);
    BufferedReader lines = quickstart.inputReader(UTF_8);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      output.add(line);
      if (line.startsWith("Ctrl-C")) {
        children = quickstart.descendants().toList();
        return;
      }
    }
    throw new AssertionError("the quickstart ended:\n" + String.join("\n", output));
  }

  private List<String> tour() throws IOException, InterruptedException {
    launch("", "--tour");
    List<String> lines = quickstart.inputReader(UTF_8).lines().toList();
    assertThat(quickstart.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(quickstart.exitValue()).as(String.join("\n", lines)).isZero();
    return lines;
  }

  private void launch(String javaOptions, String... options) throws IOException {
    List<String> command = new ArrayList<>(List.of(HOME.resolve("chaperone").toString()));
    command.add("quickstart");
    command.addAll(List.of(options));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).directory(Path.of("/").toFile());
    builder.environment().put("CHAPERONE_BUILD", "never");
    builder.environment().put("CHAPERONE_JAVA_OPTIONS", javaOptions);
    quickstart = builder.start();
  }

  private String said(Pattern pattern) {
    Matcher matcher = pattern.matcher(String.join("\n", output));
    assertThat(matcher.find()).as("%s in %s", pattern, output).isTrue();
    return matcher.groupCount() == 0 ? matcher.group() : matcher.group(1);
  }

  private void assertEnds(int exitCode) throws InterruptedException {
    quickstart.destroy();
    assertThat(quickstart.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(quickstart.exitValue()).isEqualTo(exitCode);
    assertNothingIsLeft();
  }

  private void assertNothingIsLeft() {
    long deadline = System.nanoTime() + Duration.ofSeconds(5).toNanos();
    Optional<ProcessHandle> alive;
    do {
      alive = children.stream().filter(ProcessHandle::isAlive).findFirst();
    } while (alive.isPresent() && System.nanoTime() < deadline);
    assertThat(alive.flatMap(child -> child.info().commandLine())).isEmpty();
  }

  private static void assertRefused(Statement statement, String sql) {
    assertThatThrownBy(() -> statement.execute(sql))
        .isInstanceOfSatisfying(
            SQLException.class, refusal -> assertThat(refusal.getSQLState()).isEqualTo("42501"));
  }

  private static long number(Statement statement, String query) throws SQLException {
    try (ResultSet result = statement.executeQuery(query)) {
      assertThat(result.next()).isTrue();
      return result.getLong(1);
    }
  }
}
