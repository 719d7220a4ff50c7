package dev.chaperone.cli.quickstart;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process we started, its output in a file, and how it is stopped. */
final class Child {
  /** How a child is asked to end. */
  enum Signal {
    INT,
    TERM
  }

  private final String name;
  private final Process process;
  private final Path log;

  private Child(String name, Process process, Path log) {
    this.name = name;
    this.process = process;
    this.log = log;
  }

  /** Starts a child whose output, errors too, goes to a log file. */
  static Child start(String name, ProcessBuilder command, Path log) throws IOException {
    Process process =
        command
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    return new Child(name, process, log);
  }

  String name() {
    return name;
  }

  Process process() {
    return process;
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Returns the last lines of what the child has written. */
  String lastWords() {
    try {
      List<String> lines = Files.readAllLines(log, StandardCharsets.UTF_8);
      return String.join("\n", lines.subList(Math.max(0, lines.size() - 40), lines.size()));
    } catch (IOException e) {
      return "";
    }
  }

  /** Asks the child to end, waits, and ends it by force when it does not. */
  void stop(Signal signal, Duration patience) {
    if (!process.isAlive()) {
      return;
    }
    List<ProcessHandle> descendants = process.descendants().toList();
    try {
      send(signal);
      if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly().waitFor(5, TimeUnit.SECONDS);
        descendants.forEach(ProcessHandle::destroyForcibly);
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private void send(Signal signal) throws InterruptedException {
    if (signal == Signal.TERM) {
      process.destroy();
      return;
    }
    try {
      // The Java API knows only TERM and KILL; every shell has kill built in.
      new ProcessBuilder("/bin/sh", "-c", "kill -INT " + process.pid()).start().waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
