package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.injection.InjectionSettings.OperatorAddress;
import dev.chaperone.operator.injection.InjectionSettings.PullPolicy;
import dev.chaperone.operator.injection.InjectionSettings.Resources;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** The example directories, and how pods and connections are read from YAML. */
final class Examples {
  static final Path DIRECTORY = Path.of("src", "test", "resources", "injection").toAbsolutePath();
  static final String NAMESPACE = "support";

  static final ObjectMapper JSON = new ObjectMapper();

  private static final JsonNode CONNECTION_SCHEMA = connectionSchema();

  private Examples() {}

  /**
   * One directory.
   *
   * @param connections in no particular order
   * @param refused whether it holds the reasons of a refusal in place of a changed pod
   */
  record Example(
      Path directory,
      JsonNode pod,
      List<AgentConnection> connections,
      InjectionSettings settings,
      boolean refused) {

    InjectionDecision decide() {
      return InjectionDecision.of(pod, NAMESPACE, connections, settings);
    }

    List<Refusal> check(JsonNode finalPod) {
      return FinalPodCheck.created(finalPod, NAMESPACE, connections, settings);
    }

    @Override
    public String toString() {
      return directory.getFileName().toString();
    }
  }

  static List<Path> directories() {
    try (Stream<Path> all = Files.list(DIRECTORY)) {
      return all.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<Example> all() {
    return directories().stream().map(Examples::read).toList();
  }

  static Example named(String name) {
    return read(DIRECTORY.resolve(name));
  }

  private static Example read(Path directory) {
    List<AgentConnection> connections = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.sorted().toList()) {
        if (file.getFileName().toString().startsWith("connection")) {
          connections.add(connection(yaml(file)));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Example(
        directory,
        yaml(directory.resolve("pod-in.yaml")),
        connections,
        settings(Files.exists(directory.resolve("authority-configmap.txt"))),
        Files.exists(directory.resolve("refused.txt")));
  }

  static InjectionSettings settings(boolean configMap) {
    return new InjectionSettings(
        "registry.example/chaperone/sidecar:0.1.0",
        PullPolicy.IF_NOT_PRESENT,
        InjectionSettings.DEFAULT_UID,
        Resources.DEFAULT,
        new OperatorAddress("chaperone.chaperone-system.svc", 8443),
        configMap
            ? new OperatorAuthority.ConfigMap("chaperone-ca", "bundle.pem")
            : new OperatorAuthority.Inline(
                "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
        "1024Mi",
        "32Mi");
  }

  static JsonNode yaml(Path file) {
    try {
      return yaml(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static JsonNode yaml(String text) {
    Object loaded = new Yaml(new SafeConstructor(new LoaderOptions())).load(text);
    try {
      // By way of text, so that numbers are nodes of the classes that a review gives.
      return JSON.readTree(JSON.writeValueAsBytes(loaded));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String text(JsonNode json) {
    DumperOptions options = new DumperOptions();
    options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
    options.setIndicatorIndent(0);
    options.setWidth(100);
    return new Yaml(options).dump(JSON.convertValue(json, Object.class));
  }

  /** A connection as the API server gives it: with the defaults of its CRD. */
  static AgentConnection connection(JsonNode yaml) {
    ObjectNode filled = yaml.deepCopy();
    fill(filled, CONNECTION_SCHEMA);
    return JSON.convertValue(filled, AgentConnection.class);
  }

  private static void fill(JsonNode value, JsonNode schema) {
    if (value.isObject()) {
      for (Map.Entry<String, JsonNode> property : schema.path("properties").properties()) {
        JsonNode standard = property.getValue().path("default");
        if (!value.has(property.getKey()) && !standard.isMissingNode()) {
          ((ObjectNode) value).set(property.getKey(), standard.deepCopy());
        }
        fill(value.path(property.getKey()), property.getValue());
      }
    }
    value.elements().forEachRemaining(item -> fill(item, schema.path("items")));
  }

  private static JsonNode connectionSchema() {
    String name = "/META-INF/chaperone/crds/agentconnections.chaperone.dev.yaml";
    try (InputStream in = Examples.class.getResourceAsStream(name)) {
      return yaml(new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8))
          .at("/spec/versions/0/schema/openAPIV3Schema");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
