package dev.chaperone.cli.policy;

import dev.chaperone.cli.CommandException;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.control.translation.ConnectionConfiguration;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Says which connection of which directory a command is about. */
final class ConnectionOption {
  @Option(
      names = "--directory",
      paramLabel = "DIR",
      required = true,
      description = "The directory with the resources.")
  private Path directory;

  @Option(
      names = "--connection",
      paramLabel = "NAME",
      required = true,
      description = "The AgentConnection: its name, or NAMESPACE/NAME.")
  private String name;

  /** What the directory says. */
  Configuration configuration() {
    try {
      return Resources.load(directory);
    } catch (InvalidConfigurationException e) {
      throw CommandException.usage(e.getMessage());
    }
  }

  /** The connection that is meant, by its name or by {@code namespace/name}. */
  ConnectionConfiguration selected(Configuration configuration) {
    return Resources.connection(configuration, name);
  }
}
