package dev.chaperone.sidecar.control;

import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationRejected;
import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.Document;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.MountedSecrets;
import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.resource.ResourceDocuments;
import dev.chaperone.control.resource.ResourceSet;
import dev.chaperone.control.translation.Configuration;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Puts in force what the operator says, with the values of Secrets that are mounted here, and puts
 * it in force again when those change.
 *
 * <p>A connection whose Secrets cannot be used serves nothing, and keeps no other from being
 * served. Where it was served before, it refuses its clients until they can be used again.
 *
 * <p>A configuration that cannot be put in force leaves the one before it, but for the connections
 * that it suspends or does not have any more: a mistake in one place must not keep a kill switch
 * from working.
 */
public final class OperatorConfiguration implements OperatorListener, AutoCloseable {
  private static final System.Logger LOGGER =
      System.getLogger(OperatorConfiguration.class.getName());
  private static final long LOOK_MILLIS = 1_000;
  private static final int MAX_PROBLEMS = 100;

  /** Puts a configuration in force. */
  public interface Gateway {
    /**
     * Puts it in force as a whole.
     *
     * @throws IOException when it cannot be; then nothing was changed
     */
    void apply(Configuration configuration) throws IOException;
  }

  private final MountedSecrets secrets;
  private final Path secretsDirectory;
  private final Gateway gateway;
  private final Thread thread = new Thread(this::run, "secrets");
  private Configure latest;
  private volatile Configuration inForce;
  private volatile Map<String, String> unresolved = Map.of();
  private long generation;
  private Optional<DirectoryWatch.Look> mounted = Optional.empty();
  private Conversation conversation = message -> false;
  private volatile boolean closed;

  /**
   * @param secretsDirectory where Secrets are mounted, see {@link MountedSecrets}
   */
  public OperatorConfiguration(Path secretsDirectory, Gateway gateway) {
    this.secretsDirectory = secretsDirectory;
    this.secrets = new MountedSecrets(secretsDirectory);
    this.gateway = gateway;
  }

  /** Begins to look for changes of Secrets. */
  public void start() {
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public synchronized void opened(Conversation begun) {
    conversation = begun;
  }

  @Override
  public synchronized void said(FromOperator message) {
    if (message instanceof Configure configure) {
      latest = configure;
      apply();
    }
  }

  /** Whether anything is in force. */
  public boolean isConfigured() {
    return inForce != null;
  }

  /** The connections whose Secrets cannot be used, and why, by name. */
  public Map<String, String> unresolved() {
    return unresolved;
  }

  private void apply() {
    // Looked at before they are read, so that no change falls in between.
    mounted = look();
    List<String> problems;
    ResourceSet resources = null;
    try {
      resources = ResourceDocuments.read(named(latest.resources()));
      Configuration said =
          Configuration.received(
              resources,
              (connection, name) -> secrets.read(connection.name(), name),
              generation + 1);
      putInForce(inForce == null ? said : said.keepingSuspended(inForce.connections()));
      unresolved = said.unresolved();
      unresolved.forEach(
          (connection, problem) ->
              LOGGER.log(
                  System.Logger.Level.ERROR,
                  "connection {0} is not served: {1}",
                  connection,
                  problem));
      conversation.say(new ConfigurationApplied(latest.revision()));
      return;
    } catch (InvalidConfigurationException e) {
      problems = e.problems().stream().limit(MAX_PROBLEMS).map(Problem::toString).toList();
    } catch (IOException e) {
      problems = List.of(String.valueOf(e.getMessage()));
    }
    problems.forEach(
        problem ->
            LOGGER.log(
                System.Logger.Level.ERROR,
                "configuration rejected, the one before stays in force: {0}",
                problem));
    suspend(Optional.ofNullable(resources));
    conversation.say(new ConfigurationRejected(latest.revision(), problems));
  }

  private void putInForce(Configuration configuration) throws IOException {
    gateway.apply(configuration);
    generation = configuration.generation();
    inForce = configuration;
    LOGGER.log(
        System.Logger.Level.INFO,
        "configuration in force generation={0} connections={1}",
        configuration.generation(),
        configuration.connections().size());
  }

  /** Where not even the resources could be read, it is not known what was to be suspended. */
  private void suspend(Optional<ResourceSet> resources) {
    if (inForce == null || resources.isEmpty()) {
      return;
    }
    Configuration suspending =
        inForce.suspending(
            connection ->
                resources.get().connections().stream()
                    .noneMatch(
                        said ->
                            said.metadata().namespace().equals(connection.namespace())
                                && said.metadata().name().equals(connection.name())
                                && !said.spec().suspended()),
            generation + 1);
    if (suspending.connections().equals(inForce.connections())) {
      return;
    }
    try {
      putInForce(suspending);
    } catch (IOException e) {
      LOGGER.log(System.Logger.Level.ERROR, "connections could not be suspended", e);
    }
  }

  private static Map<String, byte[]> named(List<Document> resources) {
    Map<String, byte[]> named = new LinkedHashMap<>();
    for (Document resource : resources) {
      // Two of one name are both read, and found to be two.
      String name = resource.toString();
      named.put(named.containsKey(name) ? name + " again " + named.size() : name, resource.json());
    }
    return named;
  }

  private void run() {
    while (!closed) {
      try {
        Thread.sleep(LOOK_MILLIS);
        lookForChanges();
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        LOGGER.log(System.Logger.Level.ERROR, "Secrets could not be looked at", e);
      }
    }
  }

  private synchronized void lookForChanges() {
    // What vanishes between two steps of a look is looked at again.
    Optional<DirectoryWatch.Look> now = look();
    if (latest != null && now.isPresent() && !now.equals(mounted)) {
      apply();
    }
  }

  private Optional<DirectoryWatch.Look> look() {
    try {
      return Optional.of(DirectoryWatch.lookAt(secretsDirectory));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join(TimeUnit.SECONDS.toMillis(2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
