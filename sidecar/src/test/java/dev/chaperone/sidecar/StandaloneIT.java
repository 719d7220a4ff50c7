package dev.chaperone.sidecar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.approval.ApprovalDecisions;
import dev.chaperone.control.resource.StatusFiles;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The program as a process: what it prints, how it ends, what it does with a bad configuration. */
class StandaloneIT {
  @TempDir Path temporary;

  private final List<Process> started = new ArrayList<>();
  private TestPostgres server;
  private Path directory;
  private Path out;
  private Path err;

  @BeforeEach
  void write() throws IOException {
    server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    directory = Files.createDirectory(temporary.resolve("conf"));
    GatewayUnderTest.writeConfiguration(directory, server.port(), "");
    GatewayUnderTest.writeSecret(directory, TestPostgres.USER, TestPostgres.PASSWORD);
    GatewayUnderTest.writePolicy(directory, GatewayUnderTest.ALL_BUT_DENIED);
    out = temporary.resolve("out");
    err = temporary.resolve("err");
  }

  @AfterEach
  void end() {
    started.forEach(Process::destroyForcibly);
  }

  private final List<String> javaOptions = new ArrayList<>();

  private Process run(String... options) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                classPath()));
    if (Runtime.version().feature() >= 23) {
      // As the launcher does: these releases warn of what Netty's buffers use.
      command.add("--sun-misc-unsafe-memory-access=allow");
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(javaOptions);
    command.add("dev.chaperone.sidecar.Main");
    command.addAll(List.of(options));
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    started.add(process);
    return process;
  }

  /** As in production: without the logging library that a test library brings. */
  private static String classPath() {
    String all =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return Stream.of(all.split(File.pathSeparator))
        .filter(entry -> !entry.contains("slf4j"))
        .collect(Collectors.joining(File.pathSeparator));
  }

  private Process runReady(String... more) throws IOException {
    List<String> options =
        new ArrayList<>(
            List.of("--directory", directory.toString(), "--free-ports", "--management-port", "0"));
    options.addAll(List.of(more));
    Process process = run(options.toArray(String[]::new));
    await()
        .atMost(Duration.ofSeconds(40))
        .until(() -> Files.readString(out).endsWith("ready\n") || !process.isAlive());
    assertThat(process.isAlive()).as(Files.readString(err)).isTrue();
    return process;
  }

  private int exitCode(Process process) throws InterruptedException {
    assertThat(process.waitFor(40, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  private int port() throws IOException {
    return printed("orders-db: PostgreSQL on 127\\.0\\.0\\.1:(\\d+)");
  }

  private int printed(String pattern) throws IOException {
    Matcher line = Pattern.compile(pattern).matcher(Files.readString(out));
    assertThat(line.find()).as(Files.readString(out)).isTrue();
    return Integer.parseInt(line.group(1));
  }

  private String get(String path) throws IOException, InterruptedException {
    int management = printed("management: http://127\\.0\\.0\\.1:(\\d+)");
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + management + path)).build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  private void assertOneLine(Process process, String... parts) throws Exception {
    assertThat(exitCode(process)).as(Files.readString(err)).isEqualTo(2);
    assertThat(Files.readString(err).strip().lines()).hasSize(1);
    assertThat(Files.readString(err)).contains(parts);
    assertThat(Files.readString(out)).doesNotContain("ready");
  }

  @Test
  void aBadDirectoryIsOneClearLine() throws Exception {
    assertOneLine(run("--directory", temporary.resolve("nowhere").toString()), "nowhere");
  }

  @Test
  void aMissingSecretKeyIsOneClearLine() throws Exception {
    Files.writeString(
        directory.resolve("secret.yaml"),
        """
        apiVersion: v1
        kind: Secret
        metadata: {name: orders-db, namespace: support}
        stringData: {username: agent, other: s3cret}
        """);
    assertOneLine(run("--directory", directory.toString()), "password", "orders-db");
    assertThat(Files.readString(err)).doesNotContain("s3cret");
  }

  @Test
  void aPortInUseIsOneClearLine() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Path connection = directory.resolve("connection.yaml");
      Files.writeString(
          connection, Files.readString(connection).replace("15432", "" + taken.getLocalPort()));
      assertOneLine(run("--directory", directory.toString()), "" + taken.getLocalPort(), "in use");
    }
  }

  @Test
  void aManagementPortInUseIsOneClearLine() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertOneLine(
          run(
              "--directory",
              directory.toString(),
              "--free-ports",
              "--management-port",
              "" + taken.getLocalPort()),
          "--management-port");
    }
  }

  @Test
  void anEmptyListenPasswordFileIsOneClearLine() throws Exception {
    Path file = Files.createFile(temporary.resolve("password"));
    assertOneLine(
        run("--directory", directory.toString(), "--listen-password-file", file.toString()),
        "--listen-password-file",
        "empty");
  }

  @Test
  void aGrantThatWasUsedIsUsedUpThoughTheGatewayIsKilledRightAfterwards() throws Exception {
    GatewayUnderTest.writePolicy(
        directory,
        """
          rules:
          - {name: reads, effects: [Read], action: Allow}
          - name: writes
            effects: [Write]
            action: RequireApproval
            approval: {approvers: {groups: [dba]}, grant: {duration: 1h}}
        """);
    Path status = temporary.resolve("state");
    String write = "INSERT INTO log VALUES (1, 'once')";
    StatusFiles<ApprovalRequestSpec, ApprovalRequestStatus> requests;
    String first;
    Process process = runReady("--status", status.toString(), "--group", "dba=alice");
    requests = StatusFiles.approvalRequests(status);
    try (WireClient client = WireClient.connect(port())) {
      client.logIn("whoever", TestPostgres.DATABASE);
      client.send(WireClient.query(write));
      client.readTo('N');
      first = requests.names().get(0);
      ApprovalDecisions.add(
          requests, first, new ApprovalDecision("alice", ApprovalVerdict.APPROVE, null));
      assertThat((int) client.read().type()).isEqualTo('C');
      process.destroyForcibly().waitFor();
    }
    assertThat(requests.read(first).orElseThrow().status().phase()).isEqualTo(ApprovalPhase.USED);
    // As if the status had been lost with the crash: what an earlier run approved is no approval.
    Files.writeString(
        requests.file(first),
        Files.readString(requests.file(first)).replace("phase: Used", "phase: Approved"));
    runReady("--status", status.toString(), "--group", "dba=alice");
    assertThat(requests.read(first).orElseThrow().status().phase())
        .isEqualTo(ApprovalPhase.CANCELLED);
    try (WireClient client = WireClient.connect(port())) {
      client.logIn("whoever", TestPostgres.DATABASE);
      client.send(WireClient.query(write));
      client.readTo('N');
    }
    assertThat(requests.names()).hasSize(2);
    assertThat(server.query("SELECT count(*) FROM log")).containsExactly("1");
  }

  @Test
  void groupsThatNobodyBelongsToAreSaid() throws Exception {
    GatewayUnderTest.writePolicy(
        directory,
        """
          rules:
          - name: writes
            action: RequireApproval
            approval: {approvers: {groups: [dba, oncall]}}
        """);
    runReady("--group", "oncall=bob");
    assertThat(Files.readString(out))
        .contains("nobody belongs to it: say who with --group dba=USER")
        .doesNotContain("--group oncall");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void clientsAreServedWithAndWithoutEpoll(boolean epoll) throws Exception {
    javaOptions.add("-Dio.netty.transport.noNative=" + !epoll);
    runReady();
    try (WireClient client = WireClient.connect(port())) {
      client.logIn("whoever", TestPostgres.DATABASE);
      assertThat(client.exchange(WireClient.query("SELECT 1"))).endsWith("C SELECT 1", "Z I");
    }
    String log = Files.readString(err);
    assertThat(log.contains("through NIO")).as(log).isEqualTo(!epoll);
  }

  @Test
  void theStatusDirectoryIsTheOwnersAlone() throws Exception {
    Path status = temporary.resolve("state");
    runReady("--status", status.toString());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(status)))
        .isEqualTo("rwx------");
    assertThat(status.resolve("configuration.yaml")).content().contains("current: true");
    assertThat(status.resolve("agentconnection-orders-db.yaml")).content().contains("Accepted");
    assertThat(Files.readString(out)).doesNotContain(TestPostgres.PASSWORD);
  }

  @Test
  void theStatusSaysWhichMasksNameNothing() throws Exception {
    Path status = temporary.resolve("state");
    Path connection = status.resolve("agentconnection-orders-db.yaml");
    String mask = "  masking:\n  - {columns: [public.t.%s], with: Redact}\n";
    GatewayUnderTest.writePolicy(directory, GatewayUnderTest.READS_ONLY + mask.formatted("nosuch"));
    runReady("--status", status.toString());
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(connection)
                    .content()
                    .containsPattern("type: MasksResolved\\s+status: 'False'")
                    .contains("public.t.nosuch: its tables are denied"));
    try (WireClient client = WireClient.connect(port())) {
      client.logIn("x", "orders");
      assertThat(client.exchange(WireClient.query("SELECT id FROM t")))
          .containsExactly("E ERROR 42501", "Z I");
      GatewayUnderTest.writePolicy(directory, GatewayUnderTest.READS_ONLY + mask.formatted("v"));
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () ->
                  assertThat(connection)
                      .content()
                      .containsPattern("type: MasksResolved\\s+status: 'True'"));
      assertThat(client.exchange(WireClient.query("SELECT v FROM t"))).contains("C SELECT 5");
      assertThat(get("/metrics"))
          .contains("chaperone_masked_values_total{connection=\"orders-db\"} 5.0");
    }
  }

  @Test
  void aStatusDirectoryInsideTheConfigurationIsRefused() throws Exception {
    assertOneLine(
        run(
            "--directory",
            directory.toString(),
            "--status",
            directory.resolve("status").toString()),
        "--status");
  }

  @Test
  void aListenPasswordIsAskedFor() throws Exception {
    Path file = temporary.resolve("password");
    Files.writeString(file, "open sesame\nignored\n");
    runReady("--listen-password-file", file.toString());
    for (String given : List.of("wrong", "open sesame", "")) {
      try (WireClient client = WireClient.connect(port())) {
        client.send(WireClient.startup("user", "x", "database", "orders"));
        assertThat(client.read()).hasToString("R 00000003");
        client.send(WireClient.message('p', WireClient.cString(given)));
        List<String> answers = WireClient.texts(client.readToReady());
        if (given.equals("open sesame")) {
          assertThat(answers).endsWith("Z I");
        } else {
          assertThat(answers).containsExactly("E FATAL 28P01");
        }
      }
    }
  }

  @Test
  void anEditIsInForceWithinASecondAndABadOneChangesNothing() throws Exception {
    Path status = temporary.resolve("state");
    runReady("--status", status.toString());
    try (WireClient client = WireClient.connect(port())) {
      client.logIn("x", "orders");
      byte[] insert = WireClient.query("INSERT INTO log VALUES (1, 'x')");
      assertThat(client.exchange(insert)).contains("C INSERT 0 1");

      GatewayUnderTest.writePolicy(directory, GatewayUnderTest.READS_ONLY);
      await()
          .atMost(Duration.ofSeconds(1))
          .until(() -> client.exchange(insert).contains("E ERROR 42501"));

      Files.writeString(directory.resolve("policy.yaml"), "kind: [");
      await()
          .atMost(Duration.ofSeconds(3))
          .untilAsserted(
              () -> assertThat(err).content().contains("policy.yaml").contains("stays in force"));
      assertThat(client.exchange(insert)).contains("E ERROR 42501");
      assertThat(client.exchange(WireClient.query("SELECT * FROM t"))).contains("C SELECT 5");
      await()
          .atMost(Duration.ofSeconds(3))
          .untilAsserted(
              () -> {
                assertThat(get("/health/ready"))
                    .contains("\"configurationCurrent\":false")
                    .contains("policy.yaml");
                assertThat(get("/metrics"))
                    .contains("chaperone_configuration_rejected_total 1.0")
                    .contains("chaperone_configuration_current 0");
                assertThat(status.resolve("configuration.yaml"))
                    .content()
                    .contains("current: false")
                    .contains("policy.yaml");
              });

      GatewayUnderTest.writePolicy(directory, GatewayUnderTest.ALL_BUT_DENIED);
      await()
          .atMost(Duration.ofSeconds(2))
          .until(() -> client.exchange(insert).contains("C INSERT 0 1"));
      assertThat(get("/health/ready")).contains("\"configurationCurrent\":true");
    }
  }

  @Test
  void aDirectoryThatVanishesIsReportedAndChangesNothing() throws Exception {
    runReady();
    try (WireClient client = WireClient.connect(port())) {
      client.logIn("x", "orders");
      Files.move(directory, temporary.resolve("elsewhere"));
      await()
          .atMost(Duration.ofSeconds(5))
          .until(() -> get("/health/ready").contains("\"configurationCurrent\":false"));
      assertThat(client.exchange(WireClient.query("SELECT * FROM t"))).contains("C SELECT 5");
    }
  }

  @Test
  void sigtermLetsTheTransactionUnderWayFinish() throws Exception {
    Process process = runReady();
    try (WireClient busy = WireClient.connect(port());
        WireClient idle = WireClient.connect(port())) {
      busy.logIn("x", "orders");
      idle.logIn("x", "orders");
      busy.exchange(WireClient.query("BEGIN"));
      busy.send(WireClient.query("SELECT pg_sleep(1)"));
      process.destroy();
      assertThat(WireClient.texts(idle.readToEnd())).containsExactly("E FATAL 57P01");
      assertThat(WireClient.texts(busy.readToReady())).endsWith("C SELECT 1", "Z T");
      busy.exchange(WireClient.query("INSERT INTO log VALUES (1, 'drained')"));
      assertThat(busy.exchange(WireClient.query("COMMIT"))).containsExactly("C COMMIT", "Z I");
      assertThat(WireClient.texts(busy.readToEnd())).containsExactly("E FATAL 57P01");
    }
    assertThat(exitCode(process)).isZero();
    assertThat(server.query("SELECT who FROM log")).containsExactly("drained");
  }

  @Test
  void logsInJsonAreJson() throws Exception {
    runReady("--log-format", "json");
    Files.writeString(directory.resolve("policy.yaml"), "kind: [");
    await().atMost(Duration.ofSeconds(5)).until(() -> !Files.readString(err).isEmpty());
    assertThat(Files.readString(err, StandardCharsets.UTF_8).lines())
        .allMatch(line -> line.startsWith("{") && line.endsWith("}"));
  }
}
