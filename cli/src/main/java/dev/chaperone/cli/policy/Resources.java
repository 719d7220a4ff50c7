package dev.chaperone.cli.policy;

import dev.chaperone.cli.CommandException;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.control.translation.ConnectionConfiguration;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The resources of a directory, as the gateway would put them in force. */
final class Resources {
  private Resources() {}

  static Configuration load(Path directory) throws InvalidConfigurationException {
    if (!Files.isDirectory(directory)) {
      throw CommandException.usage(directory + " is not a directory");
    }
    return Configuration.load(directory, 1);
  }

  /** The connection of this name or {@code namespace/name}. */
  static ConnectionConfiguration connection(Configuration configuration, String name) {
    List<ConnectionConfiguration> found =
        configuration.connections().stream()
            .filter(c -> c.name().equals(name) || (c.namespace() + "/" + c.name()).equals(name))
            .toList();
    if (found.size() > 1) {
      throw CommandException.usage(
          "there are several connections " + name + "; say NAMESPACE/" + name);
    }
    if (found.isEmpty()) {
      List<String> names =
          configuration.connections().stream().map(ConnectionConfiguration::name).toList();
      throw CommandException.usage(
          "there is no connection "
              + name
              + (names.isEmpty() ? "" : "; there is " + String.join(", ", names)));
    }
    return found.get(0);
  }
}
