package dev.chaperone.operator.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A control plane of the tests' own: etcd, API server and controllers, on the loopback. It ends
 * with this JVM however that ends, because a process that stops it waits for the end of our pipe.
 */
final class ControlPlane implements AutoCloseable {
  private static final Path SCRIPTS = Path.of("src/test/kubernetes").toAbsolutePath();
  private static final int START_SECONDS = 150;

  private final Process follower;
  private final Path kubeconfig;

  private ControlPlane(Process follower, Path kubeconfig) {
    this.follower = follower;
    this.kubeconfig = kubeconfig;
  }

  /**
   * Starts one, on ports and in a directory of its own.
   *
   * @throws IllegalStateException with the last words of what did not start
   */
  static ControlPlane start(Path home) {
    Path state = Path.of("target", "kubernetes-" + ProcessHandle.current().pid()).toAbsolutePath();
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
      Output up =
          Command.run(
              List.of("setsid", "--wait", SCRIPTS.resolve("up.sh").toString()),
              environment,
              START_SECONDS);
      if (up.exit() != 0) {
        throw new IllegalStateException("the control plane did not start: " + up.err());
      }
      return new ControlPlane(follower, Path.of(up.out().strip()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path kubeconfig() {
    return kubeconfig;
  }

  /** Stops it and deletes its data. */
  @Override
  public void close() {
    try {
      follower.getOutputStream().close();
      if (!follower.waitFor(20, TimeUnit.SECONDS)) {
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
