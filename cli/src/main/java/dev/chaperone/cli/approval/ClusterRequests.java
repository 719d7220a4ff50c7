package dev.chaperone.cli.approval;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.Patience;
import dev.chaperone.cli.kubectl.ClusterResources;
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

/**
 * The ApprovalRequests of a cluster. A decision is a JSON Patch that adds to {@code
 * spec.decisions}; the API server says whether this user may.
 */
final class ClusterRequests implements Requests {
  /** The operator sees a decision within a second. */
  private static final Patience PATIENCE =
      new Patience(
          Duration.ofSeconds(15),
          Duration.ofMillis(250),
          "the decision stands, and the operator has not taken note of it yet; it will when it is"
              + " running, unless the request expires before");

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Kubectl kubectl;
  private final ClusterResources<ApprovalRequestSpec, ApprovalRequestStatus> resources;
  private final boolean allNamespaces;

  ClusterRequests(Kubectl kubectl, boolean allNamespaces) {
    this.kubectl = kubectl;
    this.resources =
        new ClusterResources<>(
            kubectl,
            "approvalrequests.chaperone.dev",
            "request",
            ApprovalRequestSpec.class,
            ApprovalRequestStatus.class);
    this.allNamespaces = allNamespaces;
  }

  @Override
  public List<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> all(PrintWriter problems)
      throws IOException, InterruptedException {
    List<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> entries = new ArrayList<>();
    for (var entry : resources.all(allNamespaces, problems)) {
      if (hasContent(entry)) {
        entries.add(entry);
      } else {
        problems.println("chaperone: " + withoutContent(entry));
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
    Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry = resources.read(name);
    if (!hasContent(entry)) {
      throw CommandException.failed(withoutContent(entry));
    }
    return entry;
  }

  private static boolean hasContent(Entry<ApprovalRequestSpec, ?> entry) {
    return entry.spec().request() != null && entry.spec().decisions() != null;
  }

  private static String withoutContent(Entry<?, ?> entry) {
    return "request " + VisibleText.of(entry.name()) + " has no content";
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
    resources.patch(name, "json", patch);
  }

  @Override
  public Patience patience() {
    return PATIENCE;
  }
}
