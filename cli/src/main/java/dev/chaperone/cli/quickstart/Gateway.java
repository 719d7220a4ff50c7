package dev.chaperone.cli.quickstart;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/** The gateway as a process of its own, as it runs everywhere else. */
final class Gateway {
  private static final Duration START_LIMIT = Duration.ofSeconds(60);

  private final Child child;
  private final Path log;

  private Gateway(Child child, Path log) {
    this.child = child;
    this.log = log;
  }

  /** Starts the gateway; it is not ready yet when this returns. */
  static Gateway start(Path launcher, Path run, int databasePort, Cleanup cleanup)
      throws IOException {
    Path log = run.resolve("gateway.log");
    ProcessBuilder command =
        new ProcessBuilder(
            List.of(
                launcher.toString(),
                "run",
                "--directory",
                run.resolve("configuration").toString(),
                "--target",
                GatewayConfiguration.CONNECTION + "=127.0.0.1:" + databasePort,
                "--status",
                run.resolve("status").toString(),
                "--group",
                GatewayConfiguration.APPROVERS + "=" + System.getProperty("user.name")));
    Child child = Child.start("the gateway", command, log);
    cleanup.add(() -> child.stop(Child.Signal.TERM, Duration.ofSeconds(15)));
    return new Gateway(child, log);
  }

  Child child() {
    return child;
  }

  /** Returns when the gateway has said that it is ready. */
  void awaitReady() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + START_LIMIT.toNanos();
    while (!saidReady()) {
      if (!child.isAlive()) {
        String message = "the gateway did not start:\n" + child.lastWords();
        throw child.process().exitValue() == ExitCode.USAGE
            ? CommandException.usage(message)
            : CommandException.failed(message);
      }
      if (System.nanoTime() > deadline) {
        throw CommandException.failed("the gateway is not getting ready:\n" + child.lastWords());
      }
      Thread.sleep(20);
    }
  }

  private boolean saidReady() throws IOException {
    try (Stream<String> lines = Files.lines(log)) {
      return lines.anyMatch(line -> line.strip().equals("ready"));
    }
  }
}
