package dev.chaperone.cli;

import picocli.CommandLine.Command;

/** Listed for the help alone: the launcher starts the gateway's own program for it. */
@Command(
    name = "run",
    description =
        "Run the gateway with the resources in a directory (chaperone run --help for its options).")
final class RunCommand implements Runnable {
  @Override
  public void run() {
    throw CommandException.usage("'run' is started by the chaperone launcher script");
  }
}
