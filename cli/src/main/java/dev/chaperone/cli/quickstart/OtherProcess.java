package dev.chaperone.cli.quickstart;

import dev.chaperone.cli.CommandException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs chaperone commands as processes of their own, as another person would. */
final class OtherProcess {
  private static final int LIMIT_SECONDS = 30;

  /** What came of a command. */
  record Result(int exitCode, String output) {}

  private final Path launcher;
  private final Path status;

  OtherProcess(Path launcher, Path status) {
    this.launcher = launcher;
    this.status = status;
  }

  /** Runs a command that needs to know the gateway. */
  Result onGateway(String... arguments) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.add("--status");
    all.add(status.toString());
    return run(all.toArray(String[]::new));
  }

  /** Runs a command. */
  Result run(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(launcher.toString());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    // It is built already: we are running.
    builder.environment().put("CHAPERONE_BUILD", "never");
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw CommandException.failed(String.join(" ", arguments) + " does not come to an end");
    }
    return new Result(process.exitValue(), output.strip());
  }
}
