package dev.chaperone.operator.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Where the tests' API server comes from: decided from the environment alone. */
sealed interface ClusterChoice {
  /** Names of contexts that are of clusters made to be thrown away. */
  List<String> DISPOSABLE = List.of("chaperone-test", "kind-", "k3d-", "minikube");

  /** Confirms that the tests may use the cluster of KUBECONFIG: the name of its current context. */
  String CONFIRMATION = "CHAPERONE_TEST_CLUSTER";

  /** A cluster that the tests may use. */
  record Given(Path kubeconfig) implements ClusterChoice {}

  /** A control plane that the tests start, from the binaries below this directory. */
  record Own(Path home) implements ClusterChoice {}

  /** There is none. */
  record None(String reason) implements ClusterChoice {}

  /**
   * Decides.
   *
   * @param currentContext the name of a kubeconfig's current context; empty where it has none
   */
  static ClusterChoice of(
      Map<String, String> environment, Function<Path, Optional<String>> currentContext) {
    String refusal = "";
    String kubeconfig = environment.getOrDefault("KUBECONFIG", "");
    if (!kubeconfig.isBlank()) {
      Path path = Path.of(kubeconfig);
      String context = currentContext.apply(path).orElse("");
      if (mayUse(context, environment)) {
        return new Given(path);
      }
      refusal =
          "; the cluster of KUBECONFIG is left alone, because its context \""
              + context
              + "\" is not of a throw-away cluster: set "
              + CONFIRMATION
              + " to that name if the tests may change it";
    }
    Optional<Path> home = home(environment);
    if (home.isPresent() && hasControlPlane(home.get())) {
      return new Own(home.get());
    }
    return new None(
        "no API server: build one with operator/src/test/kubernetes/build.sh control-plane"
            + " (once, 5 to 10 minutes), or set KUBECONFIG"
            + refusal);
  }

  private static boolean mayUse(String context, Map<String, String> environment) {
    if (context.isEmpty()) {
      return false;
    }
    return DISPOSABLE.stream()
            .anyMatch(name -> name.endsWith("-") ? context.startsWith(name) : context.equals(name))
        || context.equals(environment.get(CONFIRMATION));
  }

  /** As {@code lib.sh} of the scripts does. */
  static Optional<Path> home(Map<String, String> environment) {
    String own = environment.getOrDefault("CHAPERONE_KUBERNETES_HOME", "");
    if (!own.isEmpty()) {
      return Optional.of(Path.of(own));
    }
    String cache = environment.getOrDefault("XDG_CACHE_HOME", "");
    if (!cache.isEmpty()) {
      return Optional.of(Path.of(cache, "chaperone", "kubernetes"));
    }
    return Optional.ofNullable(environment.get("HOME"))
        .map(home -> Path.of(home, ".cache", "chaperone", "kubernetes"));
  }

  private static boolean hasControlPlane(Path home) {
    return List.of("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm").stream()
        .allMatch(name -> Files.isExecutable(home.resolve("bin").resolve(name)));
  }
}
