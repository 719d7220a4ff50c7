package dev.chaperone.cli.quickstart;

import dev.chaperone.cli.CommandException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A PostgreSQL with the sample data, reachable on one loopback port by one role alone. It is set up
 * in single-user mode, before anybody can connect, and its password goes through standard input.
 */
final class SampleDatabase {
  static final String NAME = "orders";
  static final String ROLE = "orders_app";

  private static final Duration START_LIMIT = Duration.ofSeconds(30);

  private final PostgresBinaries binaries;
  private final Unprivileged user;
  private final Path data;
  private final Path log;
  private final Cleanup cleanup;

  SampleDatabase(PostgresBinaries binaries, Unprivileged user, Path run, Cleanup cleanup) {
    this.binaries = binaries;
    this.user = user;
    this.data = run.resolve("data");
    this.log = run.resolve("postgresql.log");
    this.cleanup = cleanup;
  }

  /** Makes the cluster, the role and the tables. */
  void create(String password, Path sampleData) throws IOException, InterruptedException {
    Directories.createPrivate(data);
    user.giveAway(data);
    runToEnd(
        "",
        "initdb",
        List.of(
            "-D",
            data.toString(),
            "-U",
            "postgres",
            "-A",
            "reject",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions"));
    Files.writeString(
        data.resolve("pg_hba.conf"),
        "host %s %s 127.0.0.1/32 scram-sha-256%n".formatted(NAME, ROLE));
    Files.writeString(
        data.resolve("postgresql.auto.conf"),
        """
        listen_addresses = '127.0.0.1'
        unix_socket_directories = ''
        password_encryption = 'scram-sha-256'
        shared_buffers = '32MB'
        max_connections = 50
        log_checkpoints = off
        """);
    singleUser(
        "postgres",
        """
        CREATE ROLE %1$s LOGIN PASSWORD '%2$s';

        CREATE DATABASE %3$s OWNER %1$s;

        """
            .formatted(ROLE, password, NAME));
    singleUser(
        NAME, "SET SESSION AUTHORIZATION %s;%n%n".formatted(ROLE) + Files.readString(sampleData));
  }

  /** Starts the server and returns when it accepts connections. */
  Child start(int port) throws IOException, InterruptedException {
    Child server =
        Child.start(
            "PostgreSQL",
            command("postgres", List.of("-D", data.toString(), "-p", String.valueOf(port))),
            log);
    // INT is PostgreSQL's fast shutdown: it does not wait for its clients.
    cleanup.add(() -> server.stop(Child.Signal.INT, Duration.ofSeconds(10)));
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (!isReady()) {
      if (!server.isAlive() || System.nanoTime() > deadline) {
        throw CommandException.failed("PostgreSQL did not start:\n" + server.lastWords());
      }
      Thread.sleep(20);
    }
    return server;
  }

  /** The last line of the server's pid file says how far it has come. */
  private boolean isReady() throws IOException {
    Path pidFile = data.resolve("postmaster.pid");
    if (!Files.exists(pidFile)) {
      return false;
    }
    try (Stream<String> lines = Files.lines(pidFile)) {
      return lines.anyMatch(line -> line.strip().equals("ready"));
    }
  }

  private void singleUser(String database, String script) throws IOException, InterruptedException {
    runToEnd(
        script,
        "postgres",
        List.of("--single", "-j", "-F", "-D", data.toString(), "-c", "exit_on_error=on", database));
  }

  private void runToEnd(String input, String program, List<String> arguments)
      throws IOException, InterruptedException {
    Child child = Child.start(program, command(program, arguments), log);
    cleanup.add(() -> child.stop(Child.Signal.TERM, Duration.ofSeconds(5)));
    try (var stdin = child.process().outputWriter()) {
      stdin.write(input);
    }
    int exitCode = child.process().waitFor();
    if (exitCode != 0) {
      throw CommandException.failed(
          "%s ended with exit code %d:%n%s".formatted(program, exitCode, child.lastWords()));
    }
  }

  private ProcessBuilder command(String program, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(binaries.program(program).toString());
    command.addAll(arguments);
    // Any directory of ours may be closed to the user PostgreSQL runs as.
    ProcessBuilder builder =
        new ProcessBuilder(user.command(command)).directory(Path.of("/").toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
    builder.environment().put("LC_ALL", "C");
    return builder;
  }
}
