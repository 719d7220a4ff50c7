package dev.chaperone.sidecar;

import java.util.Arrays;
import java.util.concurrent.Callable;
import picocli.CommandLine;

/**
 * The gateway's program: {@code cluster} beside an agent's pod in Kubernetes, anything else on one
 * machine. Exit codes: 0 stopped as asked, 2 could not start.
 */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) {
    boolean isCluster = arguments.length > 0 && arguments[0].equals("cluster");
    Callable<Integer> command = isCluster ? new ClusterCommand() : new RunCommand();
    int exitCode =
        new CommandLine(command)
            .setCaseInsensitiveEnumValuesAllowed(true)
            .execute(Arrays.copyOfRange(arguments, isCluster ? 1 : 0, arguments.length));
    System.exit(exitCode);
  }
}
