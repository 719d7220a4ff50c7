package dev.chaperone.cli;

import dev.chaperone.cli.approval.ApproveCommand;
import dev.chaperone.cli.approval.ClusterRequestsOption;
import dev.chaperone.cli.approval.DenyCommand;
import dev.chaperone.cli.approval.ListedClusterRequestsOption;
import dev.chaperone.cli.approval.RequestsCommand;
import dev.chaperone.cli.approval.ShowCommand;
import dev.chaperone.cli.session.ClusterRecordingsOption;
import dev.chaperone.cli.session.ClusterSessionsOption;
import dev.chaperone.cli.session.ListedClusterSessionsOption;
import dev.chaperone.cli.session.ReplayCommand;
import dev.chaperone.cli.session.RevokeCommand;
import dev.chaperone.cli.session.SessionsCommand;
import dev.chaperone.cli.session.VerifyClusterCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The {@code kubectl chaperone} command: kubectl runs what is called {@code kubectl-chaperone} on
 * the PATH.
 */
@Command(
    name = "kubectl chaperone",
    description = "Decide what agents in a cluster may do to production systems.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND")
public final class KubectlPlugin implements Runnable {
  @Spec private CommandSpec spec;

  private KubectlPlugin() {}

  /** Runs the command and ends the process with its exit code. */
  public static void main(String... arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    return new CommandLine(new KubectlPlugin())
        .addSubcommand(new RequestsCommand(new ListedClusterRequestsOption()))
        .addSubcommand(new ShowCommand(new ClusterRequestsOption()))
        .addSubcommand(new ApproveCommand(new ClusterRequestsOption()))
        .addSubcommand(new DenyCommand(new ClusterRequestsOption()))
        .addSubcommand(new SessionsCommand(new ListedClusterSessionsOption()))
        .addSubcommand(new RevokeCommand(new ClusterSessionsOption()))
        .addSubcommand(new ReplayCommand(new ClusterRecordingsOption()))
        .addSubcommand(new VerifyClusterCommand())
        .setExecutionExceptionHandler(Main::report);
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Say which command to run.");
  }
}
