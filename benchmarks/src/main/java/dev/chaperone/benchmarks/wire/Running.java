package dev.chaperone.benchmarks.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A server we started, what it uses, and how it is stopped: by its id, never by its name. */
final class Running implements AutoCloseable {
  private static final double TICKS_PER_SECOND = 100;

  private final String name;
  private final Process process;
  private final Path log;
  private final boolean interrupt;

  private Running(String name, Process process, Path log, boolean interrupt) {
    this.name = name;
    this.process = process;
    this.log = log;
    this.interrupt = interrupt;
  }

  /** Starts a server that ends on TERM. */
  static Running start(String name, List<String> command, Path log) throws IOException {
    return start(name, command, log, false);
  }

  /** Starts a server; {@code interrupt} says that it is stopped with INT (PostgreSQL, fast). */
  static Running start(String name, List<String> command, Path log, boolean interrupt)
      throws IOException {
    Process process =
        new ProcessBuilder(command)
            .directory(Path.of("/").toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    Running running = new Running(name, process, log, interrupt);
    Runtime.getRuntime().addShutdownHook(new Thread(running::close));
    return running;
  }

  /** Waits until the log holds a line that is the text, or has it at the start of a word. */
  Running awaitLine(String text) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (true) {
      try (Stream<String> lines = Files.lines(log)) {
        if (lines.anyMatch(line -> line.equals(text) || line.contains(" " + text))) {
          return this;
        }
      }
      if (!process.isAlive() || System.nanoTime() > deadline) {
        throw new IOException(name + " did not start:\n" + Files.readString(log));
      }
      Thread.sleep(50);
    }
  }

  /** Returns the CPU time used so far, in seconds, of all threads, user and system. */
  double cpuSeconds() throws IOException {
    String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
    // The second field is the program's name in parentheses, which may hold anything.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
  }

  /** Returns the resident memory, in MiB. */
  double rssMebibytes() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
      return lines
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToDouble(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024.0)
          .findFirst()
          .orElseThrow(() -> new IOException(name + " has ended"));
    }
  }

  @Override
  public void close() {
    if (!process.isAlive()) {
      return;
    }
    try {
      if (interrupt) {
        new ProcessBuilder("/bin/sh", "-c", "kill -INT " + process.pid()).start().waitFor();
      } else {
        process.destroy();
      }
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (IOException e) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
