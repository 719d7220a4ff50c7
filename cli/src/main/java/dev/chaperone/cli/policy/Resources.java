package dev.chaperone.cli.policy;

import dev.chaperone.cli.CommandException;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.translation.Configuration;
import java.nio.file.Files;
import java.nio.file.Path;

/** The resources of a directory, as the gateway would put them in force. */
final class Resources {
  private Resources() {}

  static Configuration load(Path directory) throws InvalidConfigurationException {
    if (!Files.isDirectory(directory)) {
      throw CommandException.usage(directory + " is not a directory");
    }
    return Configuration.load(directory, 1);
  }
}
