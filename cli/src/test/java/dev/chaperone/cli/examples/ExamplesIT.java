package dev.chaperone.cli.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.cli.CommandRun;
import dev.chaperone.cli.examples.Transcript.Block;
import dev.chaperone.cli.quickstart.EmbeddedPostgres;
import dev.chaperone.policy.testing.PostgresServer;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each example as its page says: the folder as it is, its database on a real PostgreSQL, the
 * gateway by the launcher, psql and the command, and exactly what the page says comes of it.
 */
@Timeout(300)
class ExamplesIT {
  private static final Path EXAMPLES = Path.of("..", "examples").toAbsolutePath().normalize();
  private static final boolean REGENERATE = Boolean.getBoolean("examples.regenerate");

  /** A certificate for the name that the connection has, of an authority that is made for this. */
  private static final String CERTIFICATES =
      """
      set -e
      openssl req -x509 -nodes -days 2 -subj "/CN=provider" -newkey rsa:2048 -keyout ca.key -out ca.crt
      openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout server.key -out server.csr
      printf "subjectAltName=DNS:$1" > ext
      openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.crt
      chmod 600 server.key
      chown --reference=PG_VERSION server.key server.crt
      """;

  @TempDir private static Path shared;
  @TempDir private Path temporary;

  private static PostgresServer server;

  @BeforeAll
  static void start() throws Exception {
    boolean psql =
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, "psql")));
    if (!psql) {
      System.err.println("NOT RUN: the examples' pages, psql is not installed");
    }
    Assumptions.assumeTrue(psql, "psql is not installed");
    assertThat(EXAMPLES.resolveSibling("sidecar/target/lib"))
        .as("the gateway's program; build the whole project, not this module alone")
        .isDirectory();
    shared.toFile().setExecutable(true, false);
    server = PostgresServer.start(EmbeddedPostgres.binaries(shared), Map.of());
    Files.writeString(
        server.directory().resolve("data/pg_hba.conf"),
        "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
    execute("postgres", "SELECT pg_reload_conf()");
    for (Path folder : folders()) {
      execute("postgres", "CREATE DATABASE " + Example.database(folder));
      load(folder);
    }
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  /** Those that bring a database; the quickstart has tests of its own. */
  static List<Path> folders() throws IOException {
    try (Stream<Path> folders = Files.list(EXAMPLES)) {
      return folders
          .filter(folder -> Files.exists(folder.resolve("database.sql")))
          .sorted()
          .toList();
    }
  }

  private static void execute(String database, String... statements) throws Exception {
    try (Connection connection = server.connect(database);
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  private static void load(Path folder) throws Exception {
    run(
        folder,
        "psql",
        "-X",
        "-q",
        "-h",
        "127.0.0.1",
        "-p",
        "" + server.port(),
        "-U",
        "postgres",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        Example.database(folder),
        "-f",
        "database.sql");
  }

  private static void run(Path directory, String... command) throws Exception {
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
  }

  @Test
  void everyExampleIsInTheListAndHasAPage() throws IOException {
    String list = Files.readString(EXAMPLES.resolve("README.md"));
    assertThat(folders()).hasSizeGreaterThanOrEqualTo(4);
    for (Path folder : folders()) {
      assertThat(list).contains("](" + folder.getFileName() + "/)");
      assertThat(Transcript.read(folder.resolve("README.md")).blocks()).isNotEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("folders")
  void doesWhatItsPageSays(Path folder) throws Exception {
    Path page = folder.resolve("README.md");
    Transcript transcript = Transcript.read(page);
    List<Block> came =
        folder.endsWith("managed-database-tls")
            ? withCertificates(folder, transcript.blocks())
            : asItIs(folder, transcript.blocks());
    if (REGENERATE) {
      Files.writeString(page, transcript.with(came));
    }
    assertThat(transcript.with(came))
        .as("%s is not what came of it. Run this test with -Dexamples.regenerate=true", page)
        .isEqualTo(Files.readString(page));
  }

  private List<Block> asItIs(Path folder, List<Block> blocks) throws Exception {
    try (Example example = Example.start(folder, server.port(), temporary)) {
      return example.type(blocks);
    }
  }

  /**
   * With the placeholder nobody is believed; then with the authority of this server; then with
   * another password.
   */
  private List<Block> withCertificates(Path folder, List<Block> blocks) throws Exception {
    Path data = server.directory().resolve("data");
    String host = "ledger.abc123.eu-central-1.example-cloud.com";
    assertThat(folder.resolve("connection.yaml")).content().contains("host: " + host + "\n");
    run(data, "sh", "-c", CERTIFICATES, "sh", host);
    execute(
        "postgres",
        "ALTER SYSTEM SET ssl_cert_file = 'server.crt'",
        "ALTER SYSTEM SET ssl_key_file = 'server.key'",
        "ALTER SYSTEM SET ssl = on",
        "SELECT pg_reload_conf()");
    Path copy = Files.createDirectory(temporary.resolve("copy"));
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".yaml")).toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    try (Example example = Example.start(copy, server.port(), temporary)) {
      List<Block> came = new ArrayList<>(example.type(blocks.subList(0, 1)));
      Path authority = copy.resolve("secret-ca.yaml");
      String before = Files.readString(authority);
      int value = before.indexOf("  ca.crt: |\n") + "  ca.crt: |\n".length();
      Files.writeString(
          authority,
          before.substring(0, value) + Files.readString(data.resolve("ca.crt")).indent(4));
      awaitGeneration(example, 2);
      came.addAll(example.type(blocks.subList(1, blocks.size())));
      execute("postgres", "ALTER ROLE reconciler PASSWORD 'changed'");
      Block one = blocks.get(1).with(List.of("", "", ""));
      assertThat(example.type(List.of(one)).toString()).contains("FATAL");
      Path secret = copy.resolve("secret.yaml");
      Files.writeString(secret, Files.readString(secret).replace("change-me", "changed"));
      awaitGeneration(example, 3);
      assertThat(example.type(List.of(one)).toString()).contains("UPDATE 1");
      return came;
    }
  }

  private static void awaitGeneration(Example example, int generation) {
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () ->
                assertThat(example.status().resolve("configuration.yaml"))
                    .content()
                    .containsPattern("generation: " + generation + "\\b"));
  }

  /**
   * The catalog beside the example's tests is one of its database; those tests hold for what the
   * database says now.
   */
  @ParameterizedTest
  @MethodSource("folders")
  void itsPolicyTestsHoldOnItsDatabase(Path folder) throws Exception {
    Path source = folder;
    if (folder.endsWith("managed-database-tls")) {
      // Asked without TLS: this is about the catalog.
      source = Files.createDirectory(temporary.resolve("plain"));
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.filter(f -> f.toString().endsWith(".yaml")).toList()) {
          Files.writeString(
              source.resolve(file.getFileName()),
              Files.readString(file)
                  .replaceAll(
                      "(?s)      mode: VerifyFull.*channelBinding: Require",
                      "      mode: Disable"));
        }
      }
      execute("postgres", "ALTER ROLE reconciler PASSWORD 'change-me'");
    }
    Path tests = EXAMPLES.resolve("tests").resolve(folder.getFileName() + ".yaml");
    String connection =
        Files.readAllLines(tests).stream()
            .filter(line -> line.startsWith("connection: "))
            .map(line -> line.substring("connection: ".length()))
            .findFirst()
            .orElseThrow();
    CommandRun catalog =
        CommandRun.of(
            "policy",
            "catalog",
            "--directory",
            source.toString(),
            "--connection",
            connection,
            "--target",
            "127.0.0.1:" + server.port());
    assertThat(catalog.exitCode()).as(catalog.errors()).isZero();
    if (REGENERATE) {
      Files.writeString(tests.resolveSibling(folder.getFileName() + ".catalog"), catalog.output());
    }
    Path file = Files.writeString(temporary.resolve("catalog"), catalog.output());
    CommandRun run =
        CommandRun.of("policy", "test", "--catalog", file.toString(), tests.toString());
    assertThat(run.exitCode()).as(run.output() + run.errors()).isZero();
  }
}
