package dev.chaperone.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/**
 * What came of a run of the command within this process.
 *
 * @param exitCode what the process would have ended with
 * @param output what was printed
 * @param errors what was printed as errors
 */
public record CommandRun(int exitCode, String output, String errors) {
  /** Runs the command. */
  public static CommandRun of(String... arguments) {
    StringWriter output = new StringWriter();
    StringWriter errors = new StringWriter();
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(output, true));
    commandLine.setErr(new PrintWriter(errors, true));
    int exitCode = commandLine.execute(arguments);
    return new CommandRun(exitCode, output.toString(), errors.toString());
  }
}
