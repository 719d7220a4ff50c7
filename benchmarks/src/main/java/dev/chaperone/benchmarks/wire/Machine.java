package dev.chaperone.benchmarks.wire;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/** The programs and ports of this machine, and a directory of our own on it. */
final class Machine implements AutoCloseable {
  private static final String USER = "nobody";

  private final Path directory;
  private final boolean root;

  private Machine(Path directory, boolean root) {
    this.directory = directory;
    this.root = root;
  }

  static Machine prepare() throws IOException {
    boolean root = Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    Machine machine = new Machine(Files.createTempDirectory("chaperone-benchmarks-"), root);
    Runtime.getRuntime().addShutdownHook(new Thread(machine::close));
    machine.giveAway(machine.directory);
    return machine;
  }

  Path directory() {
    return directory;
  }

  /** Returns a program of the newest PostgreSQL installed. */
  Path postgres(String program) throws IOException {
    Path versions = Path.of("/usr/lib/postgresql");
    if (Files.isDirectory(versions)) {
      try (Stream<Path> installed = Files.list(versions)) {
        Optional<Path> found =
            installed
                .map(version -> version.resolve("bin").resolve(program))
                .filter(Files::isExecutable)
                .max(Comparator.comparingInt(Machine::version));
        if (found.isPresent()) {
          return found.get();
        }
      }
    }
    return program(program).orElseThrow(() -> missing(program, "postgresql"));
  }

  Path pgbouncer() throws IOException {
    return program("pgbouncer").orElseThrow(() -> missing("pgbouncer", "pgbouncer"));
  }

  private static int version(Path program) {
    String version = program.getParent().getParent().getFileName().toString();
    return Integer.parseInt(version.replaceAll("\\D.*", ""));
  }

  private static Optional<Path> program(String name) {
    return Stream.concat(
            Stream.of(System.getenv("PATH").split(":", -1)), Stream.of("/usr/sbin", "/sbin"))
        .filter(part -> !part.isEmpty())
        .map(part -> Path.of(part, name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static IOException missing(String program, String aptPackage) {
    return new IOException(
        program + " is not installed (on Debian: apt-get install " + aptPackage + ")");
  }

  /** Returns the command as somebody who is not root: the servers refuse to run as root. */
  List<String> unprivileged(String... command) {
    List<String> whole = new ArrayList<>();
    if (root) {
      whole.addAll(List.of("setpriv", "--reuid=" + USER, "--regid=65534", "--clear-groups", "--"));
    }
    whole.addAll(List.of(command));
    return whole;
  }

  /** Lets the servers read and write a file or directory of ours. */
  void giveAway(Path path) throws IOException {
    if (root) {
      Files.setOwner(
          path,
          FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName(USER));
    }
  }

  /** Returns a free port that the system does not hand to outgoing connections. */
  int freePort() {
    return ThreadLocalRandom.current()
        .ints(200, 20_000, 32_000)
        .filter(Machine::isFree)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no free port"));
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void close() {
    // The servers' own shutdown hooks run beside this one: what they still write goes next time.
    for (int attempt = 0; attempt < 50 && Files.exists(directory); attempt++) {
      try (Stream<Path> paths = Files.walk(directory)) {
        paths.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        Thread.sleep(Files.exists(directory) ? 200 : 0);
      } catch (IOException | java.io.UncheckedIOException e) {
        // A file went away while we looked; try again.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }
}
