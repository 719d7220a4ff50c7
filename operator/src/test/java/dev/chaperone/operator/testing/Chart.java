package dev.chaperone.operator.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The Helm chart of this checkout, rendered by helm and applied to the cluster, with the namespace
 * of the tests as that of the release. What it makes is cluster-wide: it is removed with the class.
 */
public final class Chart implements AutoCloseable {
  /** The chart. */
  public static final Path DIRECTORY = Path.of("../charts/chaperone");

  private final TestCluster cluster;
  private final Path manifest;

  private Chart(TestCluster cluster, Path manifest) {
    this.cluster = cluster;
    this.manifest = manifest;
  }

  /**
   * Renders and applies it.
   *
   * @param settings as for {@code helm --set}
   */
  public static Chart install(TestCluster cluster, String... settings) {
    Output rendered = template(cluster, settings);
    if (rendered.exit() != 0) {
      throw new IllegalStateException(rendered.err());
    }
    try {
      Path manifest = Path.of("target", "chart-" + cluster.namespace() + ".yaml").toAbsolutePath();
      Files.writeString(manifest, rendered.out());
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

  /** What {@code helm template} says. */
  public static Output template(TestCluster cluster, String... settings) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "template",
                "chaperone",
                DIRECTORY.toString(),
                "--namespace",
                cluster.namespace(),
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
