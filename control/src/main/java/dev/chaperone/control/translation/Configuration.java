package dev.chaperone.control.translation;

import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.Resource;
import dev.chaperone.control.resource.ResourceDirectory;
import dev.chaperone.control.resource.ResourceSet;
import dev.chaperone.policy.PolicySet;
import dev.chaperone.policy.Subject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/**
 * Everything the gateway enforces at one moment.
 *
 * @param generation grows with every configuration
 * @param connections the connections to serve, by namespace and name
 * @param unresolved those that are not served because a Secret of theirs cannot be used, and why,
 *     by name; only of what the operator says, a directory's are a reason to refuse it
 * @param policies all policies
 * @param subject who the agent is
 * @param notices what was passed over, and why
 */
public record Configuration(
    long generation,
    List<ConnectionConfiguration> connections,
    Map<String, String> unresolved,
    PolicySet policies,
    Subject subject,
    List<String> notices) {
  public Configuration {
    connections = List.copyOf(connections);
    unresolved = Map.copyOf(unresolved);
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
    ResourceSet resources = ResourceDirectory.read(directory);
    SecretSource secrets =
        (connection, name) -> resources.secret(connection.namespace(), name).map(Resource::spec);
    return new Translation(resources, Translation.Origin.DIRECTORY, secrets, generation)
        .configuration();
  }

  /**
   * Translates what the operator said of one pod.
   *
   * @throws InvalidConfigurationException with every problem found; then nothing is to be changed
   */
  public static Configuration received(ResourceSet resources, SecretSource secrets, long generation)
      throws InvalidConfigurationException {
    try {
      return new Translation(resources, Translation.Origin.OPERATOR, secrets, generation)
          .configuration();
    } catch (InvalidConfigurationException e) {
      throw e.withoutPlaces();
    }
  }

  /** The same, but for connections that refuse clients from now on. */
  public Configuration suspending(Predicate<ConnectionConfiguration> which, long newGeneration) {
    return new Configuration(
        newGeneration,
        connections.stream().map(c -> which.test(c) ? c.asSuspended() : c).toList(),
        unresolved,
        policies,
        subject,
        notices);
  }

  /**
   * The same, and those that are unresolved now but were served before, suspended: their sessions
   * go on when their Secrets can be used again. Not where another connection has taken the port.
   *
   * @param before what was served
   */
  public Configuration keepingSuspended(List<ConnectionConfiguration> before) {
    List<ConnectionConfiguration> all = new ArrayList<>(connections);
    for (ConnectionConfiguration one : before) {
      if (unresolved.containsKey(one.name())
          && all.stream().noneMatch(other -> other.listenPort() == one.listenPort())) {
        all.add(one.asSuspended());
      }
    }
    return new Configuration(generation, all, unresolved, policies, subject, notices);
  }
}
