package dev.chaperone.control.channel;

import dev.chaperone.control.resource.Metadata;
import dev.chaperone.crds.v1alpha1.AccessPolicySpec;
import dev.chaperone.crds.v1alpha1.AgentConnectionSpec;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A resource as it travels: a JSON object, not yet held against its schema. Immutable.
 *
 * @param fields maps, lists, text, whole numbers and booleans; no nulls
 */
public record Document(Map<String, Object> fields) {
  private static final String OURS = "chaperone.dev/v1alpha1";

  /**
   * Takes a deep copy.
   *
   * @throws IllegalArgumentException where there is a value of another kind
   */
  public Document {
    fields = Trees.copy(fields);
  }

  /** An AgentConnection. */
  public static Document connection(Metadata metadata, AgentConnectionSpec spec) {
    return resource(OURS, "AgentConnection", metadata, RecordTrees.toTree(spec));
  }

  /** An AccessPolicy. */
  public static Document policy(Metadata metadata, AccessPolicySpec spec) {
    return resource(OURS, "AccessPolicy", metadata, RecordTrees.toTree(spec));
  }

  /** The Pod that says who the agent is. */
  public static Document pod(Metadata metadata, String serviceAccountName) {
    return resource("v1", "Pod", metadata, Map.of("serviceAccountName", serviceAccountName));
  }

  private static Document resource(String apiVersion, String kind, Metadata metadata, Object spec) {
    Map<String, Object> identity = new LinkedHashMap<>();
    identity.put("namespace", metadata.namespace());
    identity.put("name", metadata.name());
    identity.put("uid", metadata.uid());
    identity.put("generation", metadata.generation());
    if (!metadata.labels().isEmpty()) {
      identity.put("labels", metadata.labels());
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("apiVersion", apiVersion);
    fields.put("kind", kind);
    fields.put("metadata", identity);
    fields.put("spec", spec);
    return new Document(fields);
  }

  /** As JSON in UTF-8, for whoever reads resources. */
  public byte[] json() {
    return JsonTree.write(fields);
  }

  /** Kind, namespace and name, where it says them. */
  @Override
  public String toString() {
    Object metadata = fields.get("metadata");
    return fields.get("kind")
        + (metadata instanceof Map<?, ?> map
            ? " " + map.get("namespace") + "/" + map.get("name")
            : "");
  }
}
