package dev.chaperone.cli.approval;

import dev.chaperone.cli.kubectl.ClusterOption;
import picocli.CommandLine.Mixin;

/** Requests in a namespace of a cluster. */
public class ClusterRequestsOption implements RequestsOption {
  @Mixin private ClusterOption cluster;

  /** With nothing set. */
  public ClusterRequestsOption() {}

  @Override
  public final Requests open() {
    return new ClusterRequests(cluster.kubectl(), allNamespaces());
  }

  boolean allNamespaces() {
    return false;
  }
}
