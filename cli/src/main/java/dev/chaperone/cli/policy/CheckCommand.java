package dev.chaperone.cli.policy;

import dev.chaperone.cli.ExitCode;
import dev.chaperone.control.resource.InvalidConfigurationException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says whether a directory can be put in force, and everything that is wrong with it. */
@Command(
    name = "check",
    description = "Check every file in a directory; each problem is file:line:column: message.",
    mixinStandardHelpOptions = true)
final class CheckCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--directory",
      paramLabel = "DIR",
      required = true,
      description = "The directory with the resources.")
  private Path directory;

  @Override
  public Integer call() {
    try {
      Resources.load(directory);
    } catch (InvalidConfigurationException e) {
      e.problems().forEach(problem -> spec.commandLine().getErr().println(problem));
      return ExitCode.FAILED;
    }
    spec.commandLine().getOut().println("No problems.");
    return ExitCode.OK;
  }
}
