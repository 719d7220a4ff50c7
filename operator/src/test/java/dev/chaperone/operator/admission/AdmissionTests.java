package dev.chaperone.operator.admission;

import static dev.chaperone.operator.admission.ApprovalWorld.DBA;
import static dev.chaperone.operator.admission.ApprovalWorld.JANE;
import static dev.chaperone.operator.admission.ApprovalWorld.MALLORY;
import static dev.chaperone.operator.admission.ApprovalWorld.add;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.operator.admission.ApprovalWorld.Opened;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.Output;
import dev.chaperone.operator.testing.TestCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;

/**
 * What tests of the admission policies share: the chart is applied, and no operator runs. Each test
 * is an attempt, and what the API server has to say to it.
 */
abstract class AdmissionTests {
  static final String NEEDS_APPROVE = "needs the RBAC verb approve";
  static final String OWN_NAME = "decide in your own name";
  static final String NOT_APPROVER = "you are none of spec.request.approvers";
  static final String APPEND_ONLY = "decisions are append-only";
  static final String ONLY_OPERATOR_STATUS = "only the operator writes status";
  static final String ONLY_OPERATOR_CREATES = "only the operator creates";
  static final String NOT_DELETED = "are not deleted by people";
  static final String NOT_INTO_THE_GATEWAY = "nobody runs commands in it";
  static final String TOKENS_FOR_NODES = "nodes alone ask for them";
  static final String GUARDED_IS_THE_OPERATORS = "belongs to the operator, which sets it";
  static final String FORWARDING_NEEDS_EXEC = "takes the right to run commands in the pod";
  static final List<String> FINAL_PHASES = List.of("Denied", "Expired", "Cancelled", "Used");
  static final List<String> POLICIES =
      List.of(
          "chaperone-approval-changes",
          "chaperone-approvers",
          "chaperone-gateway-access",
          "chaperone-gateway-tokens",
          "chaperone-guarded-namespaces",
          "chaperone-lifecycle",
          "chaperone-metadata",
          "chaperone-port-forwarding",
          "chaperone-status");

  static TestCluster cluster;
  static ApprovalWorld world;
  private static final Duration WAIT = Duration.ofSeconds(30);
  private static Chart chart;
  private static List<Probe> probes = List.of();

  @BeforeAll
  static void install(TestCluster given) {
    cluster = given;
    cluster.applyCustomResourceDefinitions();
    chart = Chart.install(cluster);
    world = new ApprovalWorld(cluster);
    world.populate();
    probes = probes();
    for (Probe probe : probes) {
      await()
          .atMost(WAIT)
          .untilAsserted(
              () -> assertThat(probe.attempt().get().message()).contains(probe.refusal()));
    }
  }

  /** An attempt that one policy refuses, to see whether it is in force. It changes nothing. */
  private record Probe(String refusal, Supplier<Answer> attempt) {}

  /** Policies take effect, and cease to, some time after they were written, each by itself. */
  private static List<Probe> probes() {
    // What an earlier class had installed for its own operator may be in force for a moment yet.
    AtomicReference<Opened> opened = new AtomicReference<>();
    await().atMost(WAIT).untilAsserted(() -> opened.set(world.draft().open()));
    Opened request = opened.get();
    String path = request.path() + "?dryRun=All";
    return List.of(
        new Probe(
            ONLY_OPERATOR_CREATES,
            () -> cluster.api().create(world.requests() + "?dryRun=All", world.draft().yaml("x"))),
        new Probe(
            ONLY_OPERATOR_STATUS,
            () ->
                cluster.api().patch(request.path() + "/status?dryRun=All", Api.MERGE_PATCH, "{}")),
        new Probe(
            "metadata.finalizers belongs to the operator",
            () -> cluster.api().patch(path, Api.MERGE_PATCH, finalizer())),
        new Probe(OWN_NAME, () -> cluster.api().patch(path, Api.JSON_PATCH, add(JANE, "Approve"))),
        new Probe(
            NEEDS_APPROVE,
            () -> world.dba(MALLORY).patch(path, Api.MERGE_PATCH, label("example.com/a"))),
        new Probe(
            NOT_INTO_THE_GATEWAY,
            () -> cluster.api().create(pod("any") + "/exec?container=chaperone&command=id", "{}")),
        new Probe(TOKENS_FOR_NODES, () -> token(cluster.api(), "chaperone")),
        new Probe(
            GUARDED_IS_THE_OPERATORS,
            () ->
                cluster
                    .api()
                    .patch(
                        namespace() + "?dryRun=All",
                        Api.MERGE_PATCH,
                        label("chaperone.dev/guarded"))));
  }

  static String namespace() {
    return "/api/v1/namespaces/" + cluster.namespace();
  }

  static String pod(String name) {
    return namespace() + "/pods/" + name;
  }

  /** Asks for a token of the default service account. */
  static Answer token(Api by, String audience) {
    return by.create(
        namespace() + "/serviceaccounts/default/token",
        """
        apiVersion: authentication.k8s.io/v1
        kind: TokenRequest
        spec: {audiences: [%s], expirationSeconds: 600}
        """
            .formatted(audience));
  }

  /** Waits until nothing of it is left: the next class may be about something else. */
  @AfterAll
  static void remove() {
    if (chart != null) {
      chart.close();
      for (Probe probe : probes) {
        await()
            .atMost(WAIT)
            .untilAsserted(
                () -> assertThat(probe.attempt().get().message()).doesNotContain(probe.refusal()));
      }
    }
  }

  static Opened decidedBySixteen() {
    Opened request = world.draft().approvers("{groups: [crowd], count: 16}").open();
    for (int i = 1; i <= 16; i++) {
      String user = "crowd-" + i;
      Answer answer =
          cluster.apiAs(user, "crowd").patch(request.path(), Api.JSON_PATCH, add(user, "Approve"));
      assertThat(answer.accepted()).as(answer.toString()).isTrue();
    }
    return request;
  }

  static DynamicTest refused(String name, String because, Function<Opened, Answer> attempt) {
    return refused(name, because, () -> world.draft().open(), attempt);
  }

  static DynamicTest refused(
      String name, String because, Supplier<Opened> target, Function<Opened, Answer> attempt) {
    return refused(name, because, target, attempt, true);
  }

  /** The attempt is refused for that reason, and the request stays as it was. */
  static DynamicTest refused(
      String name,
      String because,
      Supplier<Opened> target,
      Function<Opened, Answer> attempt,
      boolean nothingElseHappens) {
    return DynamicTest.dynamicTest(
        name,
        () -> {
          Opened request = target.get();
          JsonNode before = request.read();
          Answer answer = attempt.apply(request);
          assertThat(answer.accepted()).as(answer.toString()).isFalse();
          assertThat(answer.message()).contains(because);
          if (nothingElseHappens) {
            assertThat(request.read()).isEqualTo(before);
          }
        });
  }

  static DynamicTest decides(String name, String user, Function<Opened, Output> attempt) {
    return decides(name, user, () -> world.draft().open(), attempt);
  }

  /** The attempt ends well, and the request has the user's decision. */
  static DynamicTest decides(
      String name, String user, Supplier<Opened> target, Function<Opened, Output> attempt) {
    return DynamicTest.dynamicTest(
        name,
        () -> {
          Opened request = target.get();
          Output output = attempt.apply(request);
          assertThat(output.exit()).as(output.toString()).isZero();
          JsonNode decisions = request.read().at("/spec/decisions");
          assertThat(decisions).hasSize(1);
          assertThat(decisions.at("/0/by").textValue()).isEqualTo(user);
          assertThat(decisions.at("/0/verdict").textValue()).isEqualTo("Approve");
        });
  }

  static Output said(Answer answer) {
    return new Output(answer.accepted() ? 0 : 1, "", answer.toString());
  }

  static Output kubectl(String user, String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.add("--as=" + user);
    all.add("--as-group=" + DBA);
    return cluster.kubectl(all.toArray(String[]::new));
  }

  static Function<Opened, Answer> turn(String user, int index, String verdict) {
    return patchedBy(
        user, "replace", "/spec/decisions/" + index + "/verdict", "\"" + verdict + "\"");
  }

  static Function<Opened, Answer> removed(String user, int index) {
    return r ->
        world
            .dba(user)
            .patch(
                r.path(),
                Api.JSON_PATCH,
                "[{\"op\":\"remove\",\"path\":\"/spec/decisions/" + index + "\"}]");
  }

  static Function<Opened, Answer> patchedBy(
      String user, String operation, String pointer, String value) {
    return r ->
        world.dba(user).patch(r.path(), Api.JSON_PATCH, operation(operation, pointer, value));
  }

  static String operation(String operation, String pointer, String value) {
    return "[{\"op\":\"%s\",\"path\":\"%s\",\"value\":%s}]".formatted(operation, pointer, value);
  }

  /** The request as it is, with an approval more. */
  static String with(Opened request, String by) {
    ObjectNode copy = request.read().deepCopy();
    ((ArrayNode) copy.path("spec").path("decisions"))
        .addObject()
        .put("by", by)
        .put("verdict", "Approve");
    return copy.toString();
  }

  static String label(String key) {
    return "{\"metadata\":{\"labels\":{\"" + key + "\":\"changed\"}}}";
  }

  static String finalizer() {
    return "{\"metadata\":{\"finalizers\":[\"example.com/keep\"]}}";
  }

  static void leaves(JsonNode node, String pointer, List<String> leaves) {
    if (node.isObject()) {
      node.properties()
          .forEach(field -> leaves(field.getValue(), pointer + "/" + field.getKey(), leaves));
    } else if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        leaves(node.get(i), pointer + "/" + i, leaves);
      }
    } else {
      leaves.add(pointer);
    }
  }

  static void properties(JsonNode node, String pointer, List<String> properties) {
    node.properties()
        .forEach(
            field -> {
              String below = pointer + "/" + field.getKey();
              properties.add(below);
              properties(field.getValue(), below, properties);
            });
  }

  /** Another value that the schema would take. */
  static String other(JsonNode value) {
    if (value.isBoolean()) {
      return Boolean.toString(!value.booleanValue());
    }
    if (value.isNumber()) {
      return Long.toString(value.longValue() + 1);
    }
    String text = value.textValue();
    String other =
        switch (text) {
          case "PostgreSQL" -> "MySQL";
          case "Write" -> "Read";
          default ->
              text.startsWith("sha256:") ? text.replace('0', '1') : text.replaceFirst("20|$", "21");
        };
    return "\"" + other + "\"";
  }
}
