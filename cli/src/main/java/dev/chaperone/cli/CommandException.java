package dev.chaperone.cli;

/** A failure that is told to the user in one line, with the exit code that goes with it. */
public final class CommandException extends RuntimeException {
  private final int exitCode;

  private CommandException(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  /** What the user asked for cannot be done as it stands: exit code 2. */
  public static CommandException usage(String message) {
    return new CommandException(ExitCode.USAGE, message);
  }

  /** Something failed on the way: exit code 1. */
  public static CommandException failed(String message) {
    return new CommandException(ExitCode.FAILED, message);
  }

  /** Returns what the process ends with. */
  public int exitCode() {
    return exitCode;
  }
}
