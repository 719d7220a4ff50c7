package dev.chaperone.cli.session;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.cli.Patience;
import dev.chaperone.cli.kubectl.ClusterResources;
import dev.chaperone.cli.kubectl.Kubectl;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.AgentSessionSpec;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;

/**
 * The AgentSessions of a cluster. To revoke one is to set {@code spec.revoked}; the API server says
 * whether this user may.
 */
final class ClusterSessions implements Sessions {
  /** The operator sees it within a second. */
  private static final Patience PATIENCE =
      new Patience(
          Duration.ofSeconds(15),
          Duration.ofMillis(250),
          "the session is marked as revoked, and the operator has not taken note of it yet; it will"
              + " when it is running");

  private final ClusterResources<AgentSessionSpec, AgentSessionStatus> resources;
  private final boolean allNamespaces;

  ClusterSessions(Kubectl kubectl, boolean allNamespaces) {
    this.resources =
        new ClusterResources<>(
            kubectl,
            "agentsessions.chaperone.dev",
            "session",
            AgentSessionSpec.class,
            AgentSessionStatus.class);
    this.allNamespaces = allNamespaces;
  }

  @Override
  public List<Entry<AgentSessionSpec, AgentSessionStatus>> all(PrintWriter problems)
      throws IOException, InterruptedException {
    return resources.all(allNamespaces, problems);
  }

  @Override
  public boolean spanNamespaces() {
    return allNamespaces;
  }

  @Override
  public Entry<AgentSessionSpec, AgentSessionStatus> read(String name)
      throws IOException, InterruptedException {
    return resources.read(name);
  }

  @Override
  public void revoke(String name) throws IOException, InterruptedException {
    Sessions.requireActive(read(name));
    ObjectNode patch = new ObjectMapper().createObjectNode();
    patch.putObject("spec").put("revoked", true);
    resources.patch(name, "merge", patch);
  }

  @Override
  public Patience patience() {
    return PATIENCE;
  }
}
