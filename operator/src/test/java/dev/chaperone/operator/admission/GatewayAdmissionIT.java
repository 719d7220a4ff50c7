package dev.chaperone.operator.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The ways around the gateway that lead through the API server: into its container, to its token,
 * out of the guard of its namespace. No operator runs, and none is needed.
 */
@UsesTestCluster
class GatewayAdmissionIT extends AdmissionTests {
  private static final String GUARDED = "chaperone.dev/guarded";
  private static final String TRUE =
      "{\"metadata\":{\"labels\":{\"%s\":\"true\"}}}".formatted(GUARDED);
  private static final Duration WAIT = Duration.ofSeconds(60);

  /** With all rights, so that what it is refused it is refused as who it is not. */
  private static Api operator() {
    return cluster.apiAs(world.operatorName(), "system:masters");
  }

  @TestFactory
  Stream<DynamicTest> nobodyRunsCommandsInTheGateway() {
    return Stream.of("exec", "attach")
        .flatMap(
            way ->
                Stream.of(
                        "?container=chaperone&command=sh&stdin=true&stdout=true",
                        "?command=sh&stdout=true&container=chaperone",
                        "?container=chaperone&container=agent&command=sh&stdout=true")
                    .map(
                        query ->
                            DynamicTest.dynamicTest(
                                way + query,
                                () -> {
                                  assertThat(
                                          cluster
                                              .api()
                                              .create(pod("any") + "/" + way + query, "{}")
                                              .message())
                                      .contains(NOT_INTO_THE_GATEWAY);
                                  // As over a WebSocket.
                                  assertThat(
                                          cluster
                                              .api()
                                              .get(pod("any") + "/" + way + query)
                                              .message())
                                      .contains(NOT_INTO_THE_GATEWAY);
                                  assertThat(
                                          operator()
                                              .create(pod("any") + "/" + way + query, "{}")
                                              .message())
                                      .contains(NOT_INTO_THE_GATEWAY);
                                })));
  }

  @Test
  void commandsInOtherContainersAreNotItsBusiness() {
    for (String query : new String[] {"?container=agent&command=id", "?command=id"}) {
      for (String way : new String[] {"exec", "attach"}) {
        assertThat(cluster.api().create(pod("any") + "/" + way + query, "{}").message())
            .contains("pods \"any\" not found");
      }
    }
  }

  /** What the API server takes where no container is named: not the gateway. */
  @Test
  void whereNoContainerIsNamedItIsNotTheGateway() {
    Answer made =
        cluster
            .api()
            .create(
                namespace() + "/pods",
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: with-a-gateway}
                spec:
                  initContainers: [{name: chaperone, image: a, restartPolicy: Always}]
                  containers: [{name: one, image: a}, {name: two, image: a}]
                """);
    assertThat(made.accepted()).as(made.toString()).isTrue();
    assertThat(cluster.api().create(pod("with-a-gateway") + "/exec?command=id", "{}").message())
        .contains("a container name must be specified");
  }

  @TestFactory
  Stream<DynamicTest> nobodyButANodeGetsATokenForTheOperator() {
    return Stream.of(
            Map.entry("not the administrator", cluster.api()),
            Map.entry("not the operator", operator()),
            Map.entry(
                "not who is only named like a node",
                cluster.apiAs("system:node:n1", "system:masters")),
            Map.entry(
                "not who is only in the group of nodes",
                cluster.apiAs("jane", "system:masters", "system:nodes")))
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.getKey(),
                    () -> {
                      assertThat(token(entry.getValue(), "chaperone").message())
                          .contains(TOKENS_FOR_NODES);
                      assertThat(token(entry.getValue(), "other, chaperone").message())
                          .contains(TOKENS_FOR_NODES);
                    }));
  }

  @Test
  void tokensOfOtherAudiencesAndThoseOfNodesAreNotItsBusiness() {
    assertThat(token(cluster.api(), "vault").accepted()).isTrue();
    // Past the policy: what it says then is of what a node may ask for.
    Answer answer =
        token(cluster.apiAs("system:node:n1", "system:nodes", "system:masters"), "chaperone");
    assertThat(answer.message()).doesNotContain(TOKENS_FOR_NODES).contains("not bound to a pod");
  }

  @TestFactory
  Stream<DynamicTest> onlyTheOperatorSaysWhichNamespacesAreGuarded() {
    return Stream.of("", "/status", "/finalize")
        .map(
            through ->
                DynamicTest.dynamicTest(
                    through.isEmpty() ? "itself" : through,
                    () -> {
                      set(false);
                      assertThat(change(cluster.api(), through, TRUE))
                          .contains(GUARDED_IS_THE_OPERATORS);
                      set(true);
                      assertThat(change(cluster.api(), through, TRUE.replace("true", "false")))
                          .contains(GUARDED_IS_THE_OPERATORS);
                      assertThat(change(cluster.api(), through, TRUE.replace("\"true\"", "null")))
                          .contains(GUARDED_IS_THE_OPERATORS);
                      assertThat(change(cluster.api(), through, "{\"metadata\":{\"labels\":null}}"))
                          .contains(GUARDED_IS_THE_OPERATORS);
                      // What leaves it as it is, in whatever words.
                      assertThat(change(cluster.api(), through, TRUE)).isEmpty();
                      assertThat(change(cluster.api(), through, label("example.com/team")))
                          .isEmpty();
                      set(false);
                    }));
  }

  /** finalize takes no patch, so what would be patched is put. */
  private static String change(Api by, String through, String patch) {
    if (!through.equals("/finalize")) {
      return by.patch(namespace() + through, Api.MERGE_PATCH, patch).message();
    }
    Answer patched = operator().patch(namespace() + "?dryRun=All", Api.MERGE_PATCH, patch);
    assertThat(patched.accepted()).as(patched.toString()).isTrue();
    return by.update(namespace() + through, patched.body().toString()).message();
  }

  private static void set(boolean guarded) {
    Answer answer =
        operator()
            .patch(namespace(), Api.MERGE_PATCH, guarded ? TRUE : TRUE.replace("\"true\"", "null"));
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  @Test
  void aNamespaceIsNotMadeGuarded() {
    String made =
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: made-guarded, labels: {%s: 'true'}}"
            .formatted(GUARDED);
    assertThat(cluster.api().create("/api/v1/namespaces?dryRun=All", made).message())
        .contains(GUARDED_IS_THE_OPERATORS);
    assertThat(
            cluster
                .api()
                .create("/api/v1/namespaces?dryRun=All", made.replace(GUARDED, "example.com/a"))
                .accepted())
        .isTrue();
  }

  @Test
  void whoForwardsAPortOfAGuardedNamespaceCouldRunCommandsThere() {
    grant("forwarder", "pods/portforward", "create");
    grant("debugger", "pods/portforward", "create");
    grant("debugger", "pods/exec", "create");
    grant("web-debugger", "pods/portforward", "create");
    grant("web-debugger", "pods/exec", "get");
    assertThat(forward("forwarder")).contains("not found");
    set(true);
    try {
      // Policies look at labels of namespaces some time after they were written.
      await()
          .atMost(WAIT)
          .untilAsserted(() -> assertThat(forward("forwarder")).contains(FORWARDING_NEEDS_EXEC));
      assertThat(forward("debugger")).contains("not found");
      assertThat(forward("web-debugger")).contains("not found");
      assertThat(cluster.api().create(pod("any") + "/portforward?ports=15432", "{}").message())
          .contains("not found");
    } finally {
      set(false);
    }
  }

  private static String forward(String user) {
    return cluster.apiAs(user).create(pod("any") + "/portforward?ports=15432", "{}").message();
  }

  private static void grant(String user, String resource, String verb) {
    String name = user + "-" + resource.replace('/', '-');
    String rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/" + cluster.namespace();
    Answer role =
        cluster
            .api()
            .create(
                rbac + "/roles",
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: Role
                metadata: {name: %s}
                rules: [{apiGroups: [""], resources: [%s], verbs: [%s]}]
                """
                    .formatted(name, resource, verb));
    assertThat(role.accepted()).as(role.toString()).isTrue();
    Answer binding =
        cluster
            .api()
            .create(
                rbac + "/rolebindings",
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: RoleBinding
                metadata: {name: %s}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %s}
                subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %s}]
                """
                    .formatted(name, name, user));
    assertThat(binding.accepted()).as(binding.toString()).isTrue();
  }
}
