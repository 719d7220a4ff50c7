package dev.chaperone.operator.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * A control plane of the tests' own: etcd, API server and controllers, on the loopback; or all of
 * that with a node that runs pods. It ends with this JVM however that ends, because a process that
 * stops it waits for the end of our pipe.
 */
final class ControlPlane implements AutoCloseable {
  private static final Path SCRIPTS = Path.of("src/test/kubernetes").toAbsolutePath();
  private static final int START_SECONDS = 240;
  private static final int IMAGE_SECONDS = 480;
  private static final int TOOL_SECONDS = 60;

  private final Process follower;
  private final Map<String, String> environment;
  private final Path kubeconfig;

  /** Made in this JVM, of which the checkout does not change. */
  private final Set<String> images = ConcurrentHashMap.newKeySet();

  private ControlPlane(Process follower, Map<String, String> environment, Path kubeconfig) {
    this.follower = follower;
    this.environment = environment;
    this.kubeconfig = kubeconfig;
  }

  /**
   * Starts one, on ports and in a directory of its own.
   *
   * @throws IllegalStateException with the last words of what did not start
   */
  static ControlPlane start(Path home) {
    return start(home, "kubernetes-", List.of());
  }

  /**
   * Starts one with a node. There is one of them on a machine at a time, and it needs root.
   *
   * @throws IllegalStateException with the last words of what did not start
   */
  static ControlPlane startWithNode(Path home) {
    return start(home, "kubernetes-node-", List.of("--node"));
  }

  private static ControlPlane start(Path home, String directory, List<String> arguments) {
    Path state = Path.of("target", directory + ProcessHandle.current().pid()).toAbsolutePath();
    Map<String, String> environment =
        Map.of(
            "CHAPERONE_KUBERNETES_HOME", home.toString(),
            "CHAPERONE_KUBERNETES_STATE", state.toString());
    try {
      Files.createDirectories(state);
      ProcessBuilder follow =
          new ProcessBuilder("setsid", SCRIPTS.resolve("down.sh").toString(), "--follow")
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(
                  ProcessBuilder.Redirect.appendTo(
                      Path.of("target", "kubernetes-down.log").toFile()));
      follow.environment().putAll(environment);
      Process follower = follow.start();
      List<String> start =
          new ArrayList<>(List.of("setsid", "--wait", SCRIPTS.resolve("up.sh").toString()));
      start.addAll(arguments);
      Output up = Command.run(start, environment, START_SECONDS);
      if (up.exit() != 0) {
        throw new IllegalStateException("the control plane did not start: " + up.err());
      }
      return new ControlPlane(follower, environment, Path.of(up.out().strip()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path kubeconfig() {
    return kubeconfig;
  }

  /**
   * Kills a daemon, and starts it again as it was.
   *
   * @param daemon such as {@code kube-apiserver}
   */
  void restart(String daemon) {
    run(TOOL_SECONDS, List.of(SCRIPTS.resolve("restart.sh").toString(), daemon));
  }

  /** Kills every process of it and of its node, and starts it on what is on the disk. */
  void loseAndRegainPower() {
    run(TOOL_SECONDS, List.of(SCRIPTS.resolve("down.sh").toString()));
    run(START_SECONDS, List.of("setsid", "--wait", SCRIPTS.resolve("up.sh").toString(), "--node"));
  }

  /** Runs a command in the namespaces of its node, and expects that it succeeds. */
  String inNode(String... command) {
    List<String> whole = new ArrayList<>(List.of(SCRIPTS.resolve("in-node.sh").toString()));
    whole.addAll(List.of(command));
    return run(TOOL_SECONDS, whole);
  }

  /**
   * Makes an image of the product with {@code charts/image.sh}, and gives it to its node; once.
   *
   * @throws IllegalStateException with what was said of it
   */
  void makeImage(String program, String image) {
    if (!images.add(image)) {
      return;
    }
    Path archive = Path.of("target", program + "-image.tar").toAbsolutePath();
    run(
        IMAGE_SECONDS,
        List.of(
            Path.of("../charts/image.sh").toAbsolutePath().toString(),
            program,
            archive.toString(),
            image));
    run(
        IMAGE_SECONDS,
        List.of(
            SCRIPTS.resolve("in-node.sh").toString(),
            "ctr",
            "--namespace",
            "k8s.io",
            "images",
            "import",
            archive.toString()));
  }

  /**
   * Makes the image of what examples run, and gives it to its node; once.
   *
   * @throws IllegalStateException with what was said of it
   */
  void makeExampleImage(String image, List<Path> classPath) {
    if (!images.add(image)) {
      return;
    }
    List<String> command =
        new ArrayList<>(List.of(SCRIPTS.resolve("example-image.sh").toString(), image));
    classPath.forEach(entry -> command.add(entry.toString()));
    run(IMAGE_SECONDS, command);
  }

  private String run(int seconds, List<String> command) {
    Output output = Command.run(command, environment, seconds);
    if (output.exit() != 0) {
      throw new IllegalStateException(command + ": " + output.err());
    }
    return output.out();
  }

  /** Stops it and deletes its data. */
  @Override
  public void close() {
    try {
      follower.getOutputStream().close();
      if (!follower.waitFor(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException(
            "the control plane does not stop; see target/kubernetes-down.log");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
