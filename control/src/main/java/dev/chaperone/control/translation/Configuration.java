package dev.chaperone.control.translation;

import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.ResourceDirectory;
import dev.chaperone.policy.PolicySet;
import dev.chaperone.policy.Subject;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * Everything the gateway enforces at one moment.
 *
 * @param generation grows with every configuration
 * @param connections the connections to serve, by namespace and name
 * @param policies all policies
 * @param subject who the agent is
 * @param notices what was passed over, and why
 */
public record Configuration(
    long generation,
    List<ConnectionConfiguration> connections,
    PolicySet policies,
    Subject subject,
    List<String> notices) {
  public Configuration {
    connections = List.copyOf(connections);
    Objects.requireNonNull(policies, "policies");
    Objects.requireNonNull(subject, "subject");
    notices = List.copyOf(notices);
  }

  /**
   * Reads a directory of YAML.
   *
   * @throws InvalidConfigurationException with every problem found; then nothing is to be changed
   */
  public static Configuration load(Path directory, long generation)
      throws InvalidConfigurationException {
    return new Translation(ResourceDirectory.read(directory), generation).configuration();
  }
}
