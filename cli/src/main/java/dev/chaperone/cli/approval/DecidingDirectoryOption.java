package dev.chaperone.cli.approval;

import picocli.CommandLine.Option;

/** Requests of the gateway whose directory is named, and who decides them. */
public final class DecidingDirectoryOption extends DirectoryOption {
  @Option(
      names = "--as",
      paramLabel = "USER",
      description = "Who decides (default: the user who runs the command).")
  private String user;

  /** With nothing set. */
  public DecidingDirectoryOption() {}

  @Override
  String decider() {
    return user == null ? super.decider() : user;
  }
}
