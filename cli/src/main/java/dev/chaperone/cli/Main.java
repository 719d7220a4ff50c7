package dev.chaperone.cli;

import dev.chaperone.cli.approval.ApproveCommand;
import dev.chaperone.cli.approval.DecidingDirectoryOption;
import dev.chaperone.cli.approval.DenyCommand;
import dev.chaperone.cli.approval.DirectoryOption;
import dev.chaperone.cli.approval.RequestsCommand;
import dev.chaperone.cli.approval.ShowCommand;
import dev.chaperone.cli.policy.PolicyCommand;
import dev.chaperone.cli.quickstart.QuickstartCommand;
import dev.chaperone.cli.session.DirectoryRecordingsOption;
import dev.chaperone.cli.session.DirectorySessionsOption;
import dev.chaperone.cli.session.ReplayCommand;
import dev.chaperone.cli.session.RevokeCommand;
import dev.chaperone.cli.session.SessionsCommand;
import dev.chaperone.cli.session.VerifyCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code chaperone} command. */
@Command(
    name = "chaperone",
    description = "Control over what AI agents do to production systems.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      QuickstartCommand.class,
      RunCommand.class,
      VerifyCommand.class,
      PolicyCommand.class
    })
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  private Main() {}

  /** Runs the command and ends the process with its exit code. */
  public static void main(String... arguments) {
    int exitCode = commandLine().execute(arguments);
    System.exit(exitCode);
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .addSubcommand(new RequestsCommand(new DirectoryOption()))
        .addSubcommand(new ShowCommand(new DirectoryOption()))
        .addSubcommand(new ApproveCommand(new DecidingDirectoryOption()))
        .addSubcommand(new DenyCommand(new DecidingDirectoryOption()))
        .addSubcommand(new SessionsCommand(new DirectorySessionsOption()))
        .addSubcommand(new RevokeCommand(new DirectorySessionsOption()))
        .addSubcommand(new ReplayCommand(new DirectoryRecordingsOption()))
        .setCommandName("chaperone")
        .setExecutionExceptionHandler(Main::report);
  }

  static int report(Exception failure, CommandLine commandLine, CommandLine.ParseResult parsed)
      throws Exception {
    if (failure instanceof CommandException told) {
      commandLine.getErr().println("chaperone: " + told.getMessage());
      return told.exitCode();
    }
    throw failure;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Say which command to run.");
  }
}
