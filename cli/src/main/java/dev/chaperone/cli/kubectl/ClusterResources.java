package dev.chaperone.cli.kubectl;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chaperone.cli.CommandException;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The resources of one kind in a cluster.
 *
 * @param <S> the type of the spec
 * @param <T> the type of the status
 */
public final class ClusterResources<S, T> {
  /** DNS subdomain (RFC 1123), as Kubernetes names objects; never taken for an option. */
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?");

  /** Fields of later releases are passed over. */
  private static final ObjectMapper JSON =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  private final Kubectl kubectl;
  private final String resource;
  private final String noun;
  private final Class<S> specType;
  private final Class<T> statusType;

  /**
   * Those of one kind.
   *
   * @param resource as kubectl names it, with its group
   * @param noun what one is called in errors
   */
  public ClusterResources(
      Kubectl kubectl, String resource, String noun, Class<S> specType, Class<T> statusType) {
    this.kubectl = kubectl;
    this.resource = resource;
    this.noun = noun;
    this.specType = specType;
    this.statusType = statusType;
  }

  /**
   * All of them.
   *
   * @param problems is told of those that cannot be read
   */
  public List<Entry<S, T>> all(boolean allNamespaces, PrintWriter problems)
      throws IOException, InterruptedException {
    byte[] list =
        allNamespaces
            ? kubectl.run("get", resource, "--all-namespaces", "--output=json")
            : kubectl.run("get", resource, "--output=json");
    List<Entry<S, T>> entries = new ArrayList<>();
    for (JsonNode item : JSON.readTree(list).path("items")) {
      try {
        entries.add(entry(item));
      } catch (CommandException e) {
        problems.println("chaperone: " + e.getMessage());
      }
    }
    return entries;
  }

  /** Reads one, which exists. */
  public Entry<S, T> read(String name) throws IOException, InterruptedException {
    return entry(JSON.readTree(kubectl.run("get", resource, checked(name), "--output=json")));
  }

  /**
   * Changes one, as {@code kubectl patch} would; the API server says whether this user may.
   *
   * @param type json or merge
   */
  public void patch(String name, String type, JsonNode patch)
      throws IOException, InterruptedException {
    kubectl.run(
        "patch", resource, checked(name), "--type=" + type, "--patch=" + patch, "--output=name");
  }

  private static String checked(String name) {
    if (!NAME.matcher(name).matches()) {
      throw CommandException.usage("not a resource name: " + VisibleText.of(name));
    }
    return name;
  }

  private Entry<S, T> entry(JsonNode item) {
    JsonNode metadata = item.path("metadata");
    String name = metadata.path("name").asText();
    try {
      S spec = JSON.treeToValue(item.get("spec"), specType);
      if (spec == null) {
        throw CommandException.failed(noun + " " + VisibleText.of(name) + " has no content");
      }
      return new Entry<>(
          metadata.path("namespace").asText(),
          name,
          metadata.path("creationTimestamp").asText(),
          spec,
          JSON.treeToValue(item.path("status"), statusType));
    } catch (IOException | IllegalArgumentException e) {
      throw CommandException.failed(noun + " " + VisibleText.of(name) + " cannot be read");
    }
  }
}
