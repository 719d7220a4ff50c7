package dev.chaperone.cli.approval;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.kubectl.Kubectl;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The ApprovalRequests of a cluster. A decision is a JSON Patch that adds to {@code
 * spec.decisions}, as {@code kubectl patch} would; the API server says whether this user may.
 */
final class ClusterRequests implements Requests {
  private static final String RESOURCE = "approvalrequests.chaperone.dev";

  /** DNS subdomain (RFC 1123), as Kubernetes names objects; never taken for an option. */
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?");

  /** The operator sees a decision within a second. */
  private static final Patience PATIENCE =
      new Patience(
          Duration.ofSeconds(15),
          Duration.ofMillis(250),
          "the decision stands, and the operator has not taken note of it yet; it will when it is"
              + " running, unless the request expires before");

  /** Fields of later releases are passed over. */
  private static final ObjectMapper JSON =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  private final Kubectl kubectl;
  private final boolean allNamespaces;

  ClusterRequests(Kubectl kubectl, boolean allNamespaces) {
    this.kubectl = kubectl;
    this.allNamespaces = allNamespaces;
  }

  @Override
  public List<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> all(PrintWriter problems)
      throws IOException, InterruptedException {
    byte[] list =
        allNamespaces
            ? kubectl.run("get", RESOURCE, "--all-namespaces", "--output=json")
            : kubectl.run("get", RESOURCE, "--output=json");
    List<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> entries = new ArrayList<>();
    for (JsonNode item : JSON.readTree(list).path("items")) {
      try {
        entries.add(entry(item));
      } catch (CommandException e) {
        problems.println("chaperone: " + e.getMessage());
      }
    }
    entries.sort(Comparator.comparing(Entry::created));
    return entries;
  }

  @Override
  public boolean spanNamespaces() {
    return allNamespaces;
  }

  @Override
  public Entry<ApprovalRequestSpec, ApprovalRequestStatus> read(String name)
      throws IOException, InterruptedException {
    return entry(JSON.readTree(kubectl.run("get", RESOURCE, checked(name), "--output=json")));
  }

  @Override
  public String decider() throws IOException, InterruptedException {
    JsonNode user =
        JSON.readTree(kubectl.run("auth", "whoami", "--output=json"))
            .path("status")
            .path("userInfo")
            .path("username");
    if (!user.isTextual() || user.textValue().isEmpty()) {
      throw CommandException.failed("the cluster does not say who you are");
    }
    return user.textValue();
  }

  @Override
  public void add(String name, ApprovalDecision decision) throws IOException, InterruptedException {
    ArrayNode patch = JSON.createArrayNode();
    ObjectNode operation = patch.addObject();
    operation.put("op", "add");
    operation.put("path", "/spec/decisions/-");
    ObjectNode value = operation.putObject("value");
    value.put("by", decision.by());
    value.set("verdict", JSON.valueToTree(decision.verdict()));
    if (decision.comment() != null) {
      value.put("comment", decision.comment());
    }
    kubectl.run(
        "patch", RESOURCE, checked(name), "--type=json", "--patch=" + patch, "--output=name");
  }

  @Override
  public Patience patience() {
    return PATIENCE;
  }

  private static String checked(String name) {
    if (!NAME.matcher(name).matches()) {
      throw CommandException.usage("not a resource name: " + VisibleText.of(name));
    }
    return name;
  }

  private static Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry(JsonNode resource) {
    JsonNode metadata = resource.path("metadata");
    String name = metadata.path("name").asText();
    try {
      ApprovalRequestSpec spec = JSON.treeToValue(resource.get("spec"), ApprovalRequestSpec.class);
      if (spec == null || spec.request() == null || spec.decisions() == null) {
        throw CommandException.failed("request " + VisibleText.of(name) + " has no content");
      }
      return new Entry<>(
          metadata.path("namespace").asText(),
          name,
          metadata.path("creationTimestamp").asText(),
          spec,
          JSON.treeToValue(resource.path("status"), ApprovalRequestStatus.class));
    } catch (IOException | IllegalArgumentException e) {
      throw CommandException.failed("request " + VisibleText.of(name) + " cannot be read");
    }
  }
}
