package dev.chaperone.sidecar.testing;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A program that uses a PostgreSQL driver, or what is built on one, as an agent would; in {@code
 * src/test/drivers}. It is installed with that language's own tools, in versions that are pinned,
 * and prints one line for each promise: {@code ok NAME} or {@code FAILED NAME: REASON}.
 *
 * @param label what the driver is called
 * @param needs what must be there, by its name, with a command that succeeds where it is
 * @param installation commands that install it
 * @param command what runs it
 */
public record DriverProgram(
    String label,
    Map<String, List<String>> needs,
    List<List<String>> installation,
    List<String> command) {

  /** All there are, in the order of the documentation. */
  public static final List<DriverProgram> ALL =
      List.of(
          new DriverProgram(
              "psycopg",
              Map.of("Python 3 with venv", List.of("python3", "-c", "import venv, ensurepip")),
              List.of(
                  List.of("python3", "-m", "venv", "venv"),
                  List.of("venv/bin/pip", "install", "-q", "--no-deps", "-r", "requirements.txt")),
              List.of("venv/bin/python", "driver.py")),
          new DriverProgram(
              "node-postgres",
              Map.of("Node.js", List.of("node", "--version"), "npm", List.of("npm", "--version")),
              List.of(List.of("npm", "ci", "--no-audit", "--no-fund", "--silent")),
              List.of("node", "driver.js")),
          new DriverProgram(
              "pgx",
              Map.of(
                  "Go 1.21 or newer",
                  List.of("sh", "-c", "go version | grep -qE 'go1\\.(2[1-9]|[3-9][0-9])'")),
              List.of(List.of("go", "build", "-mod=readonly", "-o", "driver", ".")),
              List.of("./driver")),
          new DriverProgram(
              "Django",
              Map.of("Python 3 with venv", List.of("python3", "-c", "import venv, ensurepip")),
              List.of(
                  List.of("python3", "-m", "venv", "venv"),
                  List.of("venv/bin/pip", "install", "-q", "--no-deps", "-r", "requirements.txt")),
              List.of("venv/bin/python", "driver.py")),
          new DriverProgram(
              "Hibernate",
              Map.of("javac", List.of("javac", "--version"), "Maven", List.of("mvn", "--version")),
              List.of(
                  List.of(
                      "mvn",
                      "-q",
                      "-B",
                      "-ntp",
                      "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
                      "-DoutputDirectory=lib"),
                  List.of("javac", "-cp", "lib/*", "-d", "classes", "Driver.java")),
              List.of("java", "-cp", "classes:lib/*", "Driver")));

  private static final Path SOURCES = Path.of("src", "test", "drivers").toAbsolutePath();
  private static final Path INSTALLED = Path.of("target", "drivers").toAbsolutePath();
  private static final long INSTALL_MINUTES = 10;
  private static final long RUN_MINUTES = 5;

  /** What it needs and this machine does not have; empty where it can be run. */
  public List<String> missing() {
    return needs.entrySet().stream()
        .filter(need -> !succeeds(need.getValue()))
        .map(Map.Entry::getKey)
        .sorted()
        .toList();
  }

  private static boolean succeeds(List<String> probe) {
    try {
      Process process =
          new ProcessBuilder(probe)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      boolean ended = process.waitFor(1, TimeUnit.MINUTES);
      if (!ended) {
        process.destroyForcibly();
      }
      return ended && process.exitValue() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /**
   * Installs it where that was not done yet, runs it to its end and returns what it printed.
   *
   * @param authority a file with what to verify a gateway by that is asked for TLS
   */
  public List<String> run(int port, Path authority) throws IOException, InterruptedException {
    Path directory = INSTALLED.resolve(label);
    Files.createDirectories(directory);
    try (Stream<Path> sources = Files.list(SOURCES.resolve(label))) {
      for (Path source : sources.toList()) {
        Files.write(directory.resolve(source.getFileName().toString()), Files.readAllBytes(source));
      }
    }
    for (List<String> step : installation) {
      execute(directory, step, Map.of(), INSTALL_MINUTES);
    }
    return execute(
        directory,
        command,
        Map.of(
            "PGHOST", "127.0.0.1",
            "PGPORT", Integer.toString(port),
            "PGUSER", "whoever",
            "PGPASSWORD", "whatever",
            "PGDATABASE", TestPostgres.DATABASE,
            "PGSSLMODE", "disable",
            "GATEWAY_CA", authority.toString()),
        RUN_MINUTES);
  }

  private static List<String> execute(
      Path directory, List<String> step, Map<String, String> settings, long minutes)
      throws IOException, InterruptedException {
    List<String> absolute = new ArrayList<>(step);
    if (step.get(0).contains("/")) {
      absolute.set(0, directory.resolve(step.get(0)).normalize().toString());
    }
    Path output = Files.createTempFile("driver", ".out");
    try {
      ProcessBuilder builder =
          new ProcessBuilder(absolute)
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
              .redirectOutput(output.toFile());
      builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
      builder.environment().putAll(settings);
      Process process = builder.start();
      boolean ended = process.waitFor(minutes, TimeUnit.MINUTES);
      if (!ended) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
      }
      String text = Files.readString(output, StandardCharsets.UTF_8);
      if (!ended || process.exitValue() != 0) {
        throw new IOException(
            String.join(" ", step)
                + (ended ? " failed: " : " did not end: ")
                + text.substring(Math.max(0, text.length() - 2_000)));
      }
      return text.lines().toList();
    } finally {
      Files.delete(output);
    }
  }
}
