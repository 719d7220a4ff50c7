package dev.chaperone.policy.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * A private PostgreSQL on a random port of the loopback interface, for tests. Its data live in a
 * temporary directory and are not made durable. The superuser is {@code postgres}, trusted without
 * a password.
 */
public final class PostgresServer implements AutoCloseable {
  private static final Duration START_TIMEOUT = Duration.ofSeconds(60);

  private final Path directory;
  private final Process process;
  private final int port;

  private PostgresServer(Path directory, Process process, int port) {
    this.directory = directory;
    this.process = process;
    this.port = port;
  }

  /** The directory with {@code initdb} and {@code postgres}: the newest found, or empty. */
  public static Optional<Path> findBinaries() {
    List<Path> candidates = new ArrayList<>();
    Path debian = Path.of("/usr/lib/postgresql");
    if (Files.isDirectory(debian)) {
      try (Stream<Path> versions = Files.list(debian)) {
        versions
            .sorted(Comparator.comparing(PostgresServer::version).reversed())
            .forEach(version -> candidates.add(version.resolve("bin")));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    candidates.add(Path.of("/usr/local/pgsql/bin"));
    String path = System.getenv("PATH");
    if (path != null) {
      Arrays.stream(path.split(":"))
          .filter(p -> !p.isEmpty())
          .map(Path::of)
          .forEach(candidates::add);
    }
    return candidates.stream()
        .filter(
            bin ->
                Files.isExecutable(bin.resolve("postgres"))
                    && Files.isExecutable(bin.resolve("initdb")))
        .findFirst();
  }

  private static double version(Path directory) {
    try {
      return Double.parseDouble(directory.getFileName().toString());
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  /**
   * Starts a server; where PostgreSQL is not installed, says so and aborts the test.
   *
   * @param what needs it, for whoever reads what was not run
   * @param settings server settings, such as {@code shared_preload_libraries}
   * @throws IOException if it is installed and does not start
   */
  public static PostgresServer startOrAbort(String what, Map<String, String> settings)
      throws IOException {
    Optional<Path> found = findBinaries();
    if (found.isEmpty()) {
      String reason =
          "NOT RUN: "
              + what
              + ": needs PostgreSQL (initdb, postgres) in /usr/lib/postgresql/*/bin,"
              + " /usr/local/pgsql/bin or on the PATH";
      System.err.println(reason);
      Assumptions.abort(reason);
    }
    return start(found.orElseThrow(), settings);
  }

  /**
   * Starts a server of the programs in a directory.
   *
   * @param bin the directory with {@code initdb} and {@code postgres}; readable for everyone
   */
  public static PostgresServer start(Path bin, Map<String, String> settings) throws IOException {
    List<String> dropRoot = dropRoot();
    Path directory = Files.createTempDirectory("postgres-test");
    if (!dropRoot.isEmpty()) {
      run(directory, List.of("chown", dropRoot.get(2), directory.toString()));
    }
    Path data = directory.resolve("data");
    List<String> initdb = new ArrayList<>(dropRoot);
    initdb.addAll(
        List.of(
            bin.resolve("initdb").toString(),
            "--pgdata=" + data,
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync"));
    run(directory, initdb);
    int port = freePort();
    List<String> command = new ArrayList<>(dropRoot);
    command.addAll(List.of(bin.resolve("postgres").toString(), "-D", data.toString()));
    option(command, "port", Integer.toString(port));
    option(command, "listen_addresses", "127.0.0.1");
    option(command, "unix_socket_directories", directory.toString());
    option(command, "fsync", "off");
    option(command, "full_page_writes", "off");
    option(command, "synchronous_commit", "off");
    option(command, "max_connections", "50");
    settings.forEach((name, value) -> option(command, name, value));
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start();
    PostgresServer server = new PostgresServer(directory, process, port);
    server.awaitStart();
    return server;
  }

  /** PostgreSQL refuses to run as root. */
  private static List<String> dropRoot() {
    if (!"root".equals(System.getProperty("user.name"))) {
      return List.of();
    }
    String user = userExists("postgres") ? "postgres" : "nobody";
    return List.of("runuser", "-u", user, "--");
  }

  private static boolean userExists(String user) {
    try (Stream<String> lines = Files.lines(Path.of("/etc/passwd"))) {
      return lines.anyMatch(line -> line.startsWith(user + ":"));
    } catch (IOException e) {
      return false;
    }
  }

  private static void option(List<String> command, String name, String value) {
    command.add("-c");
    command.add(name + "=" + value);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void run(Path directory, List<String> command) throws IOException {
    Path output = Files.createTempFile("postgres-test", ".out");
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
      if (!process.waitFor(120, TimeUnit.SECONDS) || process.exitValue() != 0) {
        process.destroyForcibly();
        throw new IOException(command.get(0) + " failed: " + Files.readString(output));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    } finally {
      Files.deleteIfExists(output);
    }
  }

  private void awaitStart() throws IOException {
    Instant end = Instant.now().plus(START_TIMEOUT);
    while (true) {
      try (Connection connection = connect("postgres")) {
        return;
      } catch (SQLException e) {
        if (!process.isAlive() || Instant.now().isAfter(end)) {
          String log = Files.readString(directory.resolve("log"));
          close();
          throw new IOException("PostgreSQL did not start: " + log, e);
        }
      }
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException(e);
      }
    }
  }

  /** The port on 127.0.0.1. */
  public int port() {
    return port;
  }

  /** A directory the server may write to. */
  public Path directory() {
    return directory;
  }

  /** The URL of a database, for the superuser {@code postgres}, texts sent as simple queries. */
  public String jdbcUrl(String database) {
    return "jdbc:postgresql://127.0.0.1:" + port + "/" + database + "?preferQueryMode=simple";
  }

  /** Connects as the superuser. */
  public Connection connect(String database) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", "postgres");
    properties.setProperty("connectTimeout", "5");
    return DriverManager.getConnection(jdbcUrl(database), properties);
  }

  @Override
  public void close() {
    // runuser and postgres: both are ours, the child first.
    process.descendants().forEach(ProcessHandle::destroy);
    process.destroy();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    deleteRecursively(directory);
  }

  private static void deleteRecursively(Path root) {
    try (Stream<Path> paths = Files.walk(root)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException | UncheckedIOException e) {
      // The server may still be removing files of its own; the directory is temporary anyway.
      System.err.println("could not remove " + root + ": " + e.getMessage());
    }
  }
}
