package dev.chaperone.sidecar;

import picocli.CommandLine;

/** The gateway's program. Exit codes: 0 stopped as asked, 2 could not start. */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) {
    int exitCode =
        new CommandLine(new RunCommand())
            .setCaseInsensitiveEnumValuesAllowed(true)
            .execute(arguments);
    System.exit(exitCode);
  }
}
