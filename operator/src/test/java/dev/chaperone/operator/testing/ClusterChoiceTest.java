package dev.chaperone.operator.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClusterChoiceTest {
  @TempDir private Path home;

  @ParameterizedTest
  @ValueSource(strings = {"chaperone-test", "kind-kind", "k3d-tests", "minikube"})
  void throwAwayClustersAreUsedAsTheyAre(String context) {
    assertThat(choose(Map.of("KUBECONFIG", "/k"), context))
        .isEqualTo(new ClusterChoice.Given(Path.of("/k")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"production", "kind", "minikube-like", "not-chaperone-test", ""})
  void otherClustersAreLeftAlone(String context) {
    assertThat(choose(Map.of("KUBECONFIG", "/k"), context))
        .isInstanceOfSatisfying(
            ClusterChoice.None.class,
            none ->
                assertThat(none.reason())
                    .contains("build.sh control-plane", "\"" + context + "\"")
                    .contains("set CHAPERONE_TEST_CLUSTER"));
  }

  @Test
  void anotherClusterIsUsedOnceItsContextIsConfirmed() {
    Map<String, String> environment =
        Map.of("KUBECONFIG", "/k", "CHAPERONE_TEST_CLUSTER", "staging");
    assertThat(choose(environment, "staging")).isEqualTo(new ClusterChoice.Given(Path.of("/k")));
    assertThat(choose(environment, "production")).isInstanceOf(ClusterChoice.None.class);
    assertThat(choose(Map.of("KUBECONFIG", "/k", "CHAPERONE_TEST_CLUSTER", ""), ""))
        .isInstanceOf(ClusterChoice.None.class);
  }

  @Test
  void aClusterThatIsLeftAloneIsReplacedByOurOwn() throws IOException {
    build("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm");
    assertThat(choose(Map.of("KUBECONFIG", "/k"), "production"))
        .isEqualTo(new ClusterChoice.Own(home));
  }

  @Test
  void halfABuildIsNone() throws IOException {
    build("etcd", "kube-apiserver", "kubectl", "helm");
    assertThat(choose(Map.of(), ""))
        .isInstanceOfSatisfying(
            ClusterChoice.None.class,
            none -> assertThat(none.reason()).doesNotContain("left alone"));
  }

  @Test
  void theBuildIsLookedForWhereTheScriptsPutIt() throws IOException {
    Path cache = home.resolve("chaperone/kubernetes");
    Files.createDirectories(cache);
    build(cache, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm");
    assertThat(ClusterChoice.of(Map.of("XDG_CACHE_HOME", home.toString()), p -> Optional.empty()))
        .isEqualTo(new ClusterChoice.Own(cache));
    assertThat(ClusterChoice.of(Map.of(), p -> Optional.empty()))
        .isInstanceOf(ClusterChoice.None.class);
  }

  private ClusterChoice choose(Map<String, String> variables, String context) {
    Map<String, String> environment = new HashMap<>(variables);
    environment.put("CHAPERONE_KUBERNETES_HOME", home.toString());
    return ClusterChoice.of(environment, p -> Optional.of(context).filter(name -> !name.isEmpty()));
  }

  private void build(String... names) throws IOException {
    build(home, names);
  }

  private static void build(Path home, String... names) throws IOException {
    Files.createDirectories(home.resolve("bin"));
    for (String name : names) {
      Path binary = Files.createFile(home.resolve("bin").resolve(name));
      assertThat(binary.toFile().setExecutable(true)).isTrue();
    }
  }
}
