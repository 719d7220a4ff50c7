package dev.chaperone.sidecar;

import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;

/** {@code chaperone run}: serves the connections of a directory until it is told to stop. */
@Command(
    name = "chaperone run",
    mixinStandardHelpOptions = true,
    description =
        "Serves the AgentConnections of a directory on the loopback interface until SIGTERM.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:stopped as asked", "2:could not start; nothing was left running"})
final class RunCommand implements Callable<Integer> {

  @Option(
      names = "--directory",
      required = true,
      paramLabel = "DIR",
      description = "AgentConnections, AccessPolicies, Secrets and one Pod, as YAML.")
  private Path directory;

  @Option(
      names = "--target",
      paramLabel = "NAME=HOST:PORT",
      converter = TargetOverride.Converter.class,
      description = "Sends a connection to another address than its YAML says. May be repeated.")
  private List<TargetOverride> targets = new ArrayList<>();

  @Option(
      names = "--free-ports",
      description = "Listens on any free port in place of listen.port, and prints it.")
  private boolean freePorts;

  @Option(
      names = "--status",
      paramLabel = "DIR",
      description = "Where status is written (default: DIR-status beside the directory).")
  private Path status;

  @Option(
      names = "--group",
      paramLabel = "NAME=USER,USER",
      converter = GroupMembers.Converter.class,
      description =
          "Who belongs to a group that approval rules name; a cluster knows by itself. May be"
              + " repeated.")
  private List<GroupMembers> groups = new ArrayList<>();

  @Option(
      names = "--management-port",
      paramLabel = "PORT",
      description =
          "Serves /health/live, /health/ready and /metrics on 127.0.0.1; 0 for a free one.")
  private Integer managementPort;

  @Option(
      names = "--log-format",
      paramLabel = "text|json",
      description = "How log lines look (default: ${DEFAULT-VALUE}).")
  private LogFormat logFormat = LogFormat.text;

  @Option(
      names = "--listen-password-file",
      paramLabel = "FILE",
      description = "Clients must give the password in the first line of this file.")
  private Path listenPasswordFile;

  @Override
  public Integer call() throws InterruptedException {
    logFormat.install();
    Standalone.Options options =
        new Standalone.Options(
            directory,
            status == null ? statusBeside(directory) : status,
            targets,
            freePorts,
            GroupMembers.groups(groups),
            Optional.ofNullable(managementPort),
            Optional.ofNullable(listenPasswordFile));
    try {
      if (!Files.isDirectory(directory)) {
        throw new IOException(directory + ": is not a directory");
      }
      Standalone.start(options).run();
      return ExitCode.OK;
    } catch (InvalidConfigurationException e) {
      for (Problem problem : e.problems()) {
        System.err.println(problem);
      }
      return ExitCode.USAGE;
    } catch (IOException e) {
      System.err.println("chaperone run: " + e.getMessage());
      return ExitCode.USAGE;
    }
  }

  private static Path statusBeside(Path directory) {
    Path absolute = directory.toAbsolutePath().normalize();
    return absolute.resolveSibling(absolute.getFileName() + "-status");
  }
}
