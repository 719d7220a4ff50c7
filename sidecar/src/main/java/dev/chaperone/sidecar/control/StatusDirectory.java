package dev.chaperone.sidecar.control;

import dev.chaperone.control.resource.Problem;
import dev.chaperone.sidecar.gateway.Gateway.Served;
import dev.chaperone.sidecar.gateway.TargetState;
import dev.chaperone.sidecar.journal.Availability;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.Yaml;

/**
 * Where the gateway says how it is, in files: what a cluster keeps in the status of resources. Only
 * its owner may look; it is never read as configuration.
 */
public final class StatusDirectory {
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  private static final String CONNECTION_PREFIX = "agentconnection-";

  private final Path directory;
  private final Yaml yaml;

  /** What the files say, by their names. */
  private final Map<String, Object> present = new HashMap<>();

  private StatusDirectory(Path directory) {
    this.directory = directory;
    DumperOptions options = new DumperOptions();
    options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
    this.yaml = new Yaml(options);
  }

  /**
   * Makes the directory, or takes one that is there.
   *
   * @param configuration the directory it must not be part of
   * @throws IOException when it cannot be made, belongs to the configuration, or others may look in
   */
  public static StatusDirectory open(Path directory, Path configuration) throws IOException {
    Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    Path real = directory.toRealPath();
    if (real.startsWith(configuration.toRealPath())) {
      throw new IOException("the status directory must not be inside the configuration directory");
    }
    Files.setPosixFilePermissions(real, OWNER_ONLY);
    return new StatusDirectory(real);
  }

  /** Where it is. */
  public Path path() {
    return directory;
  }

  /** Writes what has changed since the last time, or is not there any more. */
  public synchronized void write(ConfigurationState state, List<Served> served) throws IOException {
    Map<String, Object> configuration = new LinkedHashMap<>();
    configuration.put("generation", state.generation());
    configuration.put("inForceSince", state.since().toString());
    configuration.put("current", state.isCurrent());
    configuration.put("problems", state.problems().stream().map(Problem::toString).toList());
    replace("configuration.yaml", configuration);
    Set<String> written = new HashSet<>();
    for (Served connection : served) {
      String name = CONNECTION_PREFIX + connection.connection().name() + ".yaml";
      replace(name, resource(state, connection));
      written.add(name);
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (name.startsWith(CONNECTION_PREFIX)
            && name.endsWith(".yaml")
            && !written.contains(name)) {
          Files.deleteIfExists(file);
          present.remove(name);
        }
      }
    }
  }

  private static Map<String, Object> resource(ConfigurationState state, Served served) {
    var ruling = served.connection().ruling();
    Map<String, Object> status = new LinkedHashMap<>();
    List<Map<String, Object>> conditions = new ArrayList<>();
    conditions.addAll(
        List.of(
            condition("Accepted", true, "Served", "listening on " + served.addresses(), state),
            targetReachable(served.connection().targetState(), state),
            condition(
                "Suspended",
                ruling.connection().suspended(),
                ruling.connection().suspended() ? "Suspended" : "NotSuspended",
                "",
                state)));
    conditions.add(recording(served.connection().recorder().availability(), state));
    if (!ruling.masks().columns().isEmpty()) {
      conditions.add(masksResolved(served.connection().unresolvedMasks(), state));
    }
    status.put("conditions", conditions);
    status.put("sessions", Map.of("active", served.connection().clientCount()));
    status.put("policyGeneration", ruling.policies().generation());
    Map<String, Object> resource = new LinkedHashMap<>();
    resource.put("apiVersion", "chaperone.dev/v1alpha1");
    resource.put("kind", "AgentConnection");
    resource.put(
        "metadata",
        Map.of("name", ruling.connection().name(), "namespace", ruling.connection().namespace()));
    resource.put("status", status);
    return resource;
  }

  private static Map<String, Object> masksResolved(
      Optional<List<String>> unresolved, ConfigurationState state) {
    if (unresolved.isEmpty()) {
      return condition("MasksResolved", "Unknown", "NotLookedUp", "", state);
    }
    return unresolved.get().isEmpty()
        ? condition("MasksResolved", "True", "AllFound", "", state)
        : condition(
            "MasksResolved", "False", "NotFound", String.join("; ", unresolved.get()), state);
  }

  private static Map<String, Object> recording(Availability recording, ConfigurationState state) {
    return recording == Availability.AVAILABLE
        ? condition("Recording", "True", "Available", "", state)
        : condition("Recording", "False", recording.reason(), recording.message(), state);
  }

  private static Map<String, Object> targetReachable(TargetState target, ConfigurationState state) {
    if (!target.known()) {
      return condition("TargetReachable", "Unknown", "NotTried", "", state);
    }
    return target.reachable()
        ? condition("TargetReachable", "True", "LoggedIn", "", state)
        : condition("TargetReachable", "False", "LogInFailed", target.reason(), state);
  }

  private static Map<String, Object> condition(
      String type, boolean is, String reason, String message, ConfigurationState state) {
    return condition(type, is ? "True" : "False", reason, message, state);
  }

  private static Map<String, Object> condition(
      String type, String is, String reason, String message, ConfigurationState state) {
    Map<String, Object> condition = new LinkedHashMap<>();
    condition.put("type", type);
    condition.put("status", is);
    condition.put("reason", reason);
    condition.put("message", message);
    condition.put("lastTransitionTime", state.since().toString());
    return condition;
  }

  private void replace(String name, Object content) throws IOException {
    if (content.equals(present.get(name)) && Files.exists(directory.resolve(name))) {
      return;
    }
    Path temporary = Files.createTempFile(directory, "." + name, ".tmp");
    try {
      Files.writeString(temporary, yaml.dump(content));
      Files.move(
          temporary,
          directory.resolve(name),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
      present.put(name, content);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
