package dev.chaperone.operator.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The Helm chart of this checkout, rendered by helm and applied to the cluster, with the namespace
 * of the tests as that of the release. What it makes is cluster-wide: it is removed with the class.
 */
public final class Chart implements AutoCloseable {
  /** The chart. */
  public static final Path DIRECTORY = Path.of("../charts/chaperone");

  /** What the operator's own resources are labelled with. */
  private static final String OF_THE_OPERATOR = "app.kubernetes.io/component: operator";

  private static final Pattern KIND_OF_ROLES =
      Pattern.compile("^kind: (ServiceAccount|(Cluster)?Role(Binding)?)$", Pattern.MULTILINE);

  /**
   * What holds without an operator: the policies and the roles of people. What asks the operator,
   * or runs it, is left out.
   */
  public static final Predicate<String> POLICIES = document -> !document.contains(OF_THE_OPERATOR);

  /** The operator's account and what it may do. */
  public static final Predicate<String> OPERATOR_ROLES =
      document -> document.contains(OF_THE_OPERATOR) && KIND_OF_ROLES.matcher(document).find();

  /** What makes the API server ask the operator. */
  public static final Predicate<String> WEBHOOKS =
      document -> document.contains("WebhookConfiguration\n");

  private static final AtomicInteger INSTALLED = new AtomicInteger();

  private final TestCluster cluster;
  private final Path manifest;

  private Chart(TestCluster cluster, Path manifest) {
    this.cluster = cluster;
    this.manifest = manifest;
  }

  /**
   * Renders it, and applies its policies.
   *
   * @param settings as for {@code helm --set}
   */
  public static Chart install(TestCluster cluster, String... settings) {
    return install(cluster, POLICIES, settings);
  }

  /**
   * Renders it, and applies a part.
   *
   * @param which of its documents
   */
  public static Chart install(TestCluster cluster, Predicate<String> which, String... settings) {
    return install(cluster, which, UnaryOperator.identity(), settings);
  }

  /**
   * Renders it, and applies its webhooks for an operator on this machine: the API server has no way
   * to a Service.
   *
   * @param url where the operator answers
   */
  public static Chart installWebhooks(TestCluster cluster, String url, String... settings) {
    return install(
        cluster,
        WEBHOOKS,
        document ->
            document.replaceAll(
                "service:\\s+namespace: \\S+\\s+name: \\S+\\s+path: (\\S+)\\s+port: 443",
                "url: " + url + "$1"),
        settings);
  }

  private static Chart install(
      TestCluster cluster,
      Predicate<String> which,
      UnaryOperator<String> change,
      String... settings) {
    Output rendered = template(cluster, settings);
    if (rendered.exit() != 0) {
      throw new IllegalStateException(rendered.err());
    }
    try {
      Path manifest =
          Path.of(
                  "target",
                  "chart-" + cluster.namespace() + "-" + INSTALLED.incrementAndGet() + ".yaml")
              .toAbsolutePath();
      Files.writeString(
          manifest,
          documents(rendered.out()).filter(which).map(change).collect(Collectors.joining("---\n")));
      Chart chart = new Chart(cluster, manifest);
      Output applied =
          cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", manifest.toString());
      if (applied.exit() != 0) {
        chart.close();
        throw new IllegalStateException(applied.err());
      }
      return chart;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Each resource of what helm has rendered. */
  public static Stream<String> documents(String rendered) {
    return Stream.of(rendered.split("(?m)^---\n")).filter(document -> !document.isBlank());
  }

  /** What {@code helm template} says, for a release in the namespace of the tests. */
  public static Output template(TestCluster cluster, String... settings) {
    return templateFor(cluster, cluster.namespace(), settings);
  }

  /** What {@code helm template} says, for a release in another namespace. */
  public static Output templateFor(TestCluster cluster, String namespace, String... settings) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "template",
                "chaperone",
                DIRECTORY.toString(),
                "--namespace",
                namespace,
                "--kube-version",
                "1.30.0"));
    for (String setting : settings) {
      arguments.add("--set");
      arguments.add(setting);
    }
    return cluster.helm(arguments.toArray(String[]::new));
  }

  /** Removes what it made. */
  @Override
  public void close() {
    cluster.kubectl("delete", "--ignore-not-found", "--wait=false", "-f", manifest.toString());
  }
}
