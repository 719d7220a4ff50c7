package dev.chaperone.sidecar.testing;

import dev.chaperone.policy.testing.PostgresServer;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.Assumptions;
import org.tukaani.xz.XZInputStream;

/**
 * A real PostgreSQL for tests, with database {@code orders} and role {@code agent}. One server of
 * each kind serves all tests of a run; it ends with the run.
 */
public final class TestPostgres implements AutoCloseable {
  public static final String DATABASE = "orders";
  public static final String USER = "agent";
  public static final String PASSWORD = "s3cret-of-the-target";

  /** Where the server comes from. */
  public enum Kind {
    /** The newest the machine has. */
    INSTALLED,
    /** The one that comes with the build: 18, which reports search_path. */
    EMBEDDED
  }

  private static final Map<Kind, TestPostgres> SHARED = new EnumMap<>(Kind.class);
  private static Path unpacked;

  private final Path bin;
  private final Path directory;
  private final Map<String, String> settings;
  private final int port;
  private Process process;

  private TestPostgres(Path bin, Path directory, Map<String, String> settings, int port) {
    this.bin = bin;
    this.directory = directory;
    this.settings = settings;
    this.port = port;
  }

  /** The server of that kind that all tests share; a test is not run where there is none. */
  public static synchronized TestPostgres shared(Kind kind) {
    TestPostgres server = SHARED.get(kind);
    if (server == null) {
      server = start(kind, Map.of());
      SHARED.put(kind, server);
      Runtime.getRuntime().addShutdownHook(new Thread(server::close));
    }
    return server;
  }

  /** A server of the test's own. */
  public static TestPostgres start(Kind kind, Map<String, String> settings) {
    try {
      Optional<Path> bin =
          kind == Kind.EMBEDDED ? Optional.of(embedded()) : PostgresServer.findBinaries();
      if (bin.isEmpty()) {
        System.err.println("NOT RUN: tests on an installed PostgreSQL, there is none here");
        Assumptions.abort("PostgreSQL is not installed");
      }
      Path directory = Files.createTempDirectory("chaperone-postgres");
      if (isRoot()) {
        run(List.of("chown", "nobody", directory.toString()), directory);
      }
      TestPostgres server = new TestPostgres(bin.get(), directory, settings, freePort());
      server.initialize();
      server.startProcess();
      server.createDatabase();
      return server;
    } catch (IOException | SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  public int port() {
    return port;
  }

  /** The data directory. */
  public Path data() {
    return directory.resolve("data");
  }

  /** Connects past the gateway, as the superuser. */
  public Connection superuser() throws SQLException {
    return connect("postgres", "");
  }

  private Connection connect(String user, String password) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:postgresql://127.0.0.1:" + port + "/" + DATABASE + "?connectTimeout=5",
        user,
        password);
  }

  /** Runs statements past the gateway, as the superuser. */
  public void execute(String... statements) {
    try (Connection connection = superuser();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The first column of what a query past the gateway returns. */
  public List<String> query(String sql) {
    try (Connection connection = superuser();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      List<String> values = new ArrayList<>();
      while (rows.next()) {
        values.add(rows.getString(1));
      }
      return values;
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Every table as it was when the server was started. */
  public void reset() {
    execute(
        "DROP SCHEMA IF EXISTS public CASCADE",
        "DROP SCHEMA IF EXISTS a CASCADE",
        "CREATE SCHEMA public",
        "CREATE SCHEMA a",
        "CREATE TABLE public.t (id int PRIMARY KEY, v text)",
        "INSERT INTO public.t SELECT g, 'value ' || g FROM generate_series(1, 5) g",
        "CREATE TABLE public.log (n int, who text)",
        "CREATE TABLE public.denied (id int)",
        "CREATE TABLE a.t (id int, v text)",
        "INSERT INTO a.t VALUES (1, 'hidden')",
        "GRANT ALL ON SCHEMA public, a TO " + USER,
        "GRANT ALL ON ALL TABLES IN SCHEMA public, a TO " + USER);
  }

  /** Stops the server; {@link #startProcess} starts it again on the same port. */
  public void stop() {
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
  }

  /** Starts the server and waits until it answers. */
  public void startProcess() throws IOException {
    startProcess(Map.of());
  }

  /** The same with other settings. */
  public void startProcess(Map<String, String> more) throws IOException {
    List<String> command = new ArrayList<>(unprivileged());
    command.addAll(List.of(bin.resolve("postgres").toString(), "-D", data().toString()));
    Map<String, String> all =
        new java.util.TreeMap<>(
            Map.of(
                "port", Integer.toString(port),
                "listen_addresses", "127.0.0.1",
                "unix_socket_directories", directory.toString(),
                "fsync", "off",
                "full_page_writes", "off",
                "synchronous_commit", "off",
                "max_connections", "60",
                "shared_buffers", "16MB"));
    all.putAll(settings);
    all.putAll(more);
    all.forEach((name, value) -> command.addAll(List.of("-c", name + "=" + value)));
    process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start();
    for (int i = 0; i < 600; i++) {
      try (Connection connection =
          DriverManager.getConnection(
              "jdbc:postgresql://127.0.0.1:" + port + "/postgres?connectTimeout=5",
              "postgres",
              "")) {
        return;
      } catch (SQLException e) {
        if (!process.isAlive()) {
          break;
        }
        sleep(50);
      }
    }
    String log = Files.readString(directory.resolve("log"));
    close();
    throw new IOException("PostgreSQL did not start: " + log);
  }

  private void initialize() throws IOException {
    List<String> initdb = new ArrayList<>(unprivileged());
    initdb.addAll(
        List.of(
            bin.resolve("initdb").toString(),
            "--pgdata=" + data(),
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync"));
    run(initdb, directory);
    Files.writeString(
        data().resolve("pg_hba.conf"),
        """
        host all postgres 127.0.0.1/32 trust
        host all md5_user 127.0.0.1/32 md5
        host all clear_user 127.0.0.1/32 password
        host all all 127.0.0.1/32 scram-sha-256
        """);
  }

  private void createDatabase() throws SQLException {
    try (Connection connection =
            DriverManager.getConnection(
                "jdbc:postgresql://127.0.0.1:" + port + "/postgres", "postgres", "");
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + DATABASE);
      statement.execute("CREATE DATABASE other");
      statement.execute("CREATE ROLE " + USER + " LOGIN PASSWORD '" + PASSWORD + "'");
      statement.execute("CREATE ROLE clear_user LOGIN PASSWORD '" + PASSWORD + "'");
      statement.execute("SET password_encryption = 'md5'");
      statement.execute("CREATE ROLE md5_user LOGIN PASSWORD '" + PASSWORD + "'");
    }
    reset();
  }

  @Override
  public void close() {
    stop();
    removeRecursively(directory);
  }

  private static synchronized Path embedded() throws IOException {
    if (unpacked == null) {
      Path directory = Files.createTempDirectory("chaperone-postgres-bin");
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
      Runtime.getRuntime().addShutdownHook(new Thread(() -> removeRecursively(directory)));
      try (InputStream packed =
          TestPostgres.class.getResourceAsStream("/postgres-linux-x86_64.txz")) {
        if (packed == null) {
          throw new IOException("no PostgreSQL for this kind of machine in the build");
        }
        unpack(packed, directory);
      }
      unpacked = directory;
    }
    return unpacked.resolve("bin");
  }

  private static void unpack(InputStream packed, Path directory) throws IOException {
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(packed)))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        Path target = directory.resolve(entry.getName()).normalize();
        Files.createDirectories(entry.isDirectory() ? target : target.getParent());
        if (entry.isSymbolicLink()) {
          Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
        } else if (entry.isFile()) {
          Files.copy(tar, target);
          Files.setPosixFilePermissions(
              target,
              PosixFilePermissions.fromString(
                  (entry.getMode() & 0100) == 0 ? "rw-r--r--" : "rwxr-xr-x"));
        }
      }
    }
  }

  private static boolean isRoot() {
    return "root".equals(System.getProperty("user.name"));
  }

  /** PostgreSQL refuses to run as root. */
  private static List<String> unprivileged() {
    return isRoot() ? List.of("runuser", "-u", "nobody", "--") : List.of();
  }

  private static void run(List<String> command, Path directory) throws IOException {
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IOException(command.get(0) + " failed: " + output);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A port that nothing listens on at the moment. */
  public static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void removeRecursively(Path root) {
    try (Stream<Path> paths = Files.walk(root)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException | UncheckedIOException e) {
      System.err.println("could not remove " + root + ": " + e.getMessage());
    }
  }
}
