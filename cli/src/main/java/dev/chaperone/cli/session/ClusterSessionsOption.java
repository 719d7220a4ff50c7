package dev.chaperone.cli.session;

import dev.chaperone.cli.kubectl.ClusterOption;
import picocli.CommandLine.Mixin;

/** Sessions in a namespace of a cluster. */
public class ClusterSessionsOption implements SessionsOption {
  @Mixin private ClusterOption cluster;

  /** With nothing set. */
  public ClusterSessionsOption() {}

  @Override
  public final Sessions open() {
    return new ClusterSessions(cluster.kubectl(), allNamespaces());
  }

  boolean allNamespaces() {
    return false;
  }
}
