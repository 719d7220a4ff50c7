package dev.chaperone.cli.session;

import picocli.CommandLine.Option;

/** Sessions in a namespace of a cluster, or in all of them. */
public final class ListedClusterSessionsOption extends ClusterSessionsOption {
  @Option(
      names = {"-A", "--all-namespaces"},
      description = "Those of all namespaces.")
  private boolean allNamespaces;

  /** With nothing set. */
  public ListedClusterSessionsOption() {}

  @Override
  boolean allNamespaces() {
    return allNamespaces;
  }
}
