package dev.chaperone.cli.approval;

import picocli.CommandLine.Option;

/** Requests in a namespace of a cluster, or in all of them. */
public final class ListedClusterRequestsOption extends ClusterRequestsOption {
  @Option(
      names = {"-A", "--all-namespaces"},
      description = "Those of all namespaces.")
  private boolean allNamespaces;

  /** With nothing set. */
  public ListedClusterRequestsOption() {}

  @Override
  boolean allNamespaces() {
    return allNamespaces;
  }
}
