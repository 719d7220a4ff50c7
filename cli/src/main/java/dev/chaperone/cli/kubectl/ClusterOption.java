package dev.chaperone.cli.kubectl;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Says which cluster and namespace a command is about, and as whom, in kubectl's own words. */
public final class ClusterOption {
  @Option(
      names = {"-n", "--namespace"},
      paramLabel = "NAMESPACE",
      description = "The namespace (default: that of the context).")
  private String namespace;

  @Option(
      names = "--context",
      paramLabel = "CONTEXT",
      description = "The context of the kubeconfig file (default: its current one).")
  private String context;

  @Option(
      names = "--kubeconfig",
      paramLabel = "FILE",
      description = "The kubeconfig file (default: kubectl's).")
  private String kubeconfig;

  @Option(names = "--as", paramLabel = "USER", description = "The user to impersonate.")
  private String user;

  @Option(
      names = "--as-group",
      paramLabel = "GROUP",
      description = "A group to impersonate; may be given several times.")
  private List<String> groups = List.of();

  /** Made by picocli. */
  public ClusterOption() {}

  /** A kubectl that has these options. */
  public Kubectl kubectl() {
    List<String> options = new ArrayList<>();
    add(options, "--namespace", namespace);
    add(options, "--context", context);
    add(options, "--kubeconfig", kubeconfig);
    add(options, "--as", user);
    groups.forEach(group -> add(options, "--as-group", group));
    return new Kubectl(options);
  }

  private static void add(List<String> options, String name, String value) {
    if (value != null) {
      options.add(name + "=" + value);
    }
  }
}
