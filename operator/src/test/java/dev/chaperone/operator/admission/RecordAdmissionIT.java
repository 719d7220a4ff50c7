package dev.chaperone.operator.admission;

import static dev.chaperone.operator.admission.ApprovalWorld.AGENT_ACCOUNT;
import static dev.chaperone.operator.admission.ApprovalWorld.GRACE;
import static dev.chaperone.operator.admission.ApprovalWorld.JANE;
import static dev.chaperone.operator.admission.ApprovalWorld.NADIA;
import static dev.chaperone.operator.admission.ApprovalWorld.add;
import static dev.chaperone.operator.admission.ApprovalWorld.decision;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.operator.admission.ApprovalWorld.Opened;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every way we know to change the record of what was asked, decided and done: the API server itself
 * refuses it.
 */
@UsesTestCluster
class RecordAdmissionIT extends AdmissionTests {
  @TestFactory
  Stream<DynamicTest> everyFieldOfTheRequestStaysAsItIs() {
    List<String> leaves = new ArrayList<>();
    Opened sample = world.draft().open();
    leaves(sample.read().at("/spec/request"), "/spec/request", leaves);
    assertThat(leaves).hasSizeGreaterThan(20);
    return leaves.stream()
        .map(
            pointer ->
                refused(
                    pointer,
                    "request is immutable",
                    r ->
                        world
                            .dba(JANE)
                            .patch(
                                r.path(),
                                Api.JSON_PATCH,
                                operation("replace", pointer, other(r.read().at(pointer))))));
  }

  @TestFactory
  Stream<DynamicTest> noFieldOfTheRequestIsAddedOrRemoved() {
    List<String> fields = new ArrayList<>();
    properties(world.draft().open().read().at("/spec/request"), "/spec/request", fields);
    // Removed, it comes back as the default that it was.
    fields.remove("/spec/request/approvers/humansOnly");
    Stream<DynamicTest> removals =
        fields.stream()
            .map(
                pointer ->
                    refused(
                        "removed: " + pointer,
                        "spec.request",
                        r ->
                            world
                                .dba(JANE)
                                .patch(
                                    r.path(),
                                    Api.JSON_PATCH,
                                    "[{\"op\":\"remove\",\"path\":\"" + pointer + "\"}]")));
    return Stream.concat(
        removals,
        Stream.of(
            refused(
                "an approver is added",
                "request is immutable",
                patchedBy(GRACE, "add", "/spec/request/approvers/groups/-", "\"sales\"")),
            refused(
                "users are added to groups, with the decision in the same patch",
                "request is immutable",
                r ->
                    world
                        .dba(GRACE)
                        .patch(
                            r.path(),
                            Api.JSON_PATCH,
                            "[{\"op\":\"add\",\"path\":\"/spec/request/approvers/users\","
                                + "\"value\":[\""
                                + GRACE
                                + "\"]},"
                                + add(GRACE, "Approve").strip().substring(1))),
            refused(
                "by a merge patch",
                "request is immutable",
                r ->
                    world
                        .dba(JANE)
                        .patch(
                            r.path(),
                            Api.MERGE_PATCH,
                            "{\"spec\":{\"request\":{\"approvers\":{\"count\":1}}}}")),
            refused(
                "by server-side apply",
                "request is immutable",
                r ->
                    world
                        .dba(JANE)
                        .patch(
                            r.applyPath("jane"),
                            Api.APPLY,
                            """
                            apiVersion: chaperone.dev/v1alpha1
                            kind: ApprovalRequest
                            metadata: {name: %s}
                            spec: {request: {approvers: {count: 1}}}
                            """
                                .formatted(r.name()))),
            refused(
                "by the administrator",
                "request is immutable",
                r ->
                    cluster
                        .api()
                        .patch(
                            r.path(),
                            Api.MERGE_PATCH,
                            "{\"spec\":{\"request\":{\"operation\":{\"text\":\"SELECT 1\"}}}}")),
            refused(
                "by the operator",
                "request is immutable",
                r ->
                    world
                        .operator()
                        .patch(
                            r.path(),
                            Api.MERGE_PATCH,
                            "{\"spec\":{\"request\":{\"operation\":{\"text\":\"SELECT 1\"}}}}"))));
  }

  @TestFactory
  Stream<DynamicTest> onlyTheOperatorWritesStatus() {
    String approved = "{\"status\":{\"phase\":\"Approved\"}}";
    String observed =
        "{\"status\":{\"decisions\":[{\"by\":\"%s\",\"verdict\":\"Approve\",".formatted(JANE)
            + "\"observedAt\":\"2026-01-01T00:00:00Z\"}]}}";
    return Stream.of(
        refused(
            "not an approver, by a merge patch",
            ONLY_OPERATOR_STATUS,
            r -> world.dba(JANE).patch(r.path() + "/status", Api.MERGE_PATCH, approved)),
        refused(
            "not an approver, by a JSON patch",
            ONLY_OPERATOR_STATUS,
            r ->
                world
                    .dba(JANE)
                    .patch(
                        r.path() + "/status",
                        Api.JSON_PATCH,
                        operation("replace", "/status/phase", "\"Approved\""))),
        refused(
            "not an approver, by server-side apply",
            ONLY_OPERATOR_STATUS,
            r ->
                world
                    .dba(JANE)
                    .patch(
                        r.path() + "/status?fieldManager=jane&force=true",
                        Api.APPLY,
                        """
                        apiVersion: chaperone.dev/v1alpha1
                        kind: ApprovalRequest
                        metadata: {name: %s}
                        status: {phase: Approved}
                        """
                            .formatted(r.name()))),
        refused(
            "not an approver, by an update",
            ONLY_OPERATOR_STATUS,
            r -> {
              ObjectNode copy = r.read().deepCopy();
              copy.putObject("status").put("phase", "Approved");
              return world.dba(JANE).update(r.path() + "/status", copy.toString());
            }),
        refused(
            "not what was seen and when",
            ONLY_OPERATOR_STATUS,
            r -> world.dba(JANE).patch(r.path() + "/status", Api.MERGE_PATCH, observed)),
        refused(
            "not to open a closed request again",
            ONLY_OPERATOR_STATUS,
            () -> world.draft().open().phase("Expired"),
            r ->
                world
                    .dba(JANE)
                    .patch(
                        r.path() + "/status",
                        Api.MERGE_PATCH,
                        "{\"status\":{\"phase\":\"Pending\"}}")),
        refused(
            "not the agent",
            ONLY_OPERATOR_STATUS,
            r ->
                cluster
                    .apiAs(cluster.serviceAccount(AGENT_ACCOUNT))
                    .patch(r.path() + "/status", Api.MERGE_PATCH, approved)),
        refused(
            "not the administrator",
            ONLY_OPERATOR_STATUS,
            r -> cluster.api().patch(r.path() + "/status", Api.MERGE_PATCH, approved)),
        refused(
            "not an account of the operator's name in another namespace",
            ONLY_OPERATOR_STATUS,
            r ->
                cluster
                    .apiAs("system:serviceaccount:default:chaperone-operator", "system:masters")
                    .patch(r.path() + "/status", Api.MERGE_PATCH, approved)),
        DynamicTest.dynamicTest(
            "not of a session, a connection or a policy",
            () -> {
              for (String plural : List.of("agentsessions", "agentconnections", "accesspolicies")) {
                String path = plural.equals("agentsessions") ? world.openSession() : made(plural);
                JsonNode before = cluster.api().get(path).body();
                Answer answer =
                    world
                        .dba(JANE)
                        .patch(
                            path + "/status",
                            Api.MERGE_PATCH,
                            "{\"status\":{\"conditions\":[{\"type\":\"A\",\"status\":\"True\"}]}}");
                assertThat(answer.message()).as(plural).contains(ONLY_OPERATOR_STATUS);
                assertThat(cluster.api().get(path).body()).isEqualTo(before);
              }
            }));
  }

  /** Makes a connection or a policy, as their authors do. Returns its path. */
  private static String made(String plural) {
    String spec =
        plural.equals("accesspolicies")
            ? """
              kind: AccessPolicy
              spec:
                connections: [orders-db]
                subjects: [{kind: ServiceAccount, name: support-agent}]
                limits: {operationsPerMinute: 1}
              """
            : """
              kind: AgentConnection
              spec:
                protocol: PostgreSQL
                target: {host: orders.prod.svc, port: 5432, database: orders}
                credentials: {secretRef: {name: orders-db}}
                agents: {podSelector: {matchLabels: {app: support-agent}}}
                listen: {port: 15432}
              """;
    Answer answer =
        world
            .dba(JANE)
            .create(
                world.path(plural),
                "apiVersion: chaperone.dev/v1alpha1\nmetadata: {name: of-status}\n" + spec);
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
    return world.path(plural) + "/of-status";
  }

  @Test
  void statusWrittenWithTheSpecIsIgnored() {
    Opened request = world.draft().open();
    JsonNode before = request.read();
    world.dba(JANE).patch(request.path(), Api.MERGE_PATCH, "{\"status\":{\"phase\":\"Approved\"}}");
    assertThat(request.read().path("status")).isEqualTo(before.path("status"));
  }

  @TestFactory
  Stream<DynamicTest> onlyTheOperatorCreatesRequestsAndSessions() {
    String generated = world.draft().yaml("x").replace("name: x\n", "generateName: forged-\n");
    return Stream.of(
        notCreated(
            "not an approver",
            ONLY_OPERATOR_CREATES,
            () -> world.dba(JANE).create(world.requests(), world.draft().yaml("forged"))),
        notCreated(
            "not with a name that the server makes",
            ONLY_OPERATOR_CREATES,
            () -> world.dba(JANE).create(world.requests(), generated)),
        notCreated(
            "not by server-side apply",
            ONLY_OPERATOR_CREATES,
            () ->
                world
                    .dba(JANE)
                    .patch(
                        world.requests() + "/forged?fieldManager=jane",
                        Api.APPLY,
                        world.draft().yaml("forged"))),
        notCreated(
            "not by an update of nothing",
            "not found",
            () ->
                world.dba(JANE).update(world.requests() + "/forged", world.draft().yaml("forged"))),
        notCreated(
            "not the agent",
            ONLY_OPERATOR_CREATES,
            () ->
                cluster
                    .apiAs(cluster.serviceAccount(AGENT_ACCOUNT))
                    .create(world.requests(), world.draft().yaml("forged"))),
        notCreated(
            "not the administrator",
            ONLY_OPERATOR_CREATES,
            () -> cluster.api().create(world.requests(), world.draft().yaml("forged"))),
        notCreated(
            "not with a decision already made",
            "a request begins without decisions",
            () ->
                world
                    .operator()
                    .create(
                        world.requests(),
                        world.draft().yaml("forged")
                            + "  decisions: ["
                            + decision(world.operatorName(), "Approve")
                            + "]\n")),
        notCreated(
            "not a session",
            ONLY_OPERATOR_CREATES,
            () -> world.dba(JANE).create(world.sessions(), world.sessionYaml("forged"))),
        notCreated(
            "not a session, by the administrator",
            ONLY_OPERATOR_CREATES,
            () -> cluster.api().create(world.sessions(), world.sessionYaml("forged"))));
  }

  private static DynamicTest notCreated(String name, String because, Supplier<Answer> attempt) {
    return DynamicTest.dynamicTest(
        name,
        () -> {
          assertThat(attempt.get().message()).contains(because);
          assertThat(cluster.api().get(world.requests()).body().toString())
              .doesNotContain("forged");
          assertThat(cluster.api().get(world.sessions()).body().toString())
              .doesNotContain("forged");
        });
  }

  @TestFactory
  Stream<DynamicTest> nobodyDeletesTheRecord() {
    String session = world.openSession();
    return Stream.of(
        refused("not an approver", NOT_DELETED, r -> world.dba(JANE).delete(r.path())),
        refused("not all at once", NOT_DELETED, r -> world.dba(JANE).delete(world.requests())),
        refused(
            "not after the end",
            NOT_DELETED,
            () -> world.draft().open().phase("Used"),
            r -> world.dba(JANE).delete(r.path())),
        refused(
            "not the agent",
            NOT_DELETED,
            r -> cluster.apiAs(cluster.serviceAccount(AGENT_ACCOUNT)).delete(r.path())),
        refused("not the administrator", NOT_DELETED, r -> cluster.api().delete(r.path())),
        kept("not a session", session, () -> world.dba(JANE).delete(session)),
        kept("not all sessions at once", session, () -> world.dba(JANE).delete(world.sessions())),
        kept("not a session, by the administrator", session, () -> cluster.api().delete(session)));
  }

  private static DynamicTest kept(String name, String path, Supplier<Answer> attempt) {
    return DynamicTest.dynamicTest(
        name,
        () -> {
          assertThat(attempt.get().message()).contains(NOT_DELETED);
          assertThat(cluster.api().get(path).code()).isEqualTo(200);
        });
  }

  @TestFactory
  Stream<DynamicTest> metadataOfTheOperatorStaysAsItIs() {
    String session = world.openSession();
    return Stream.of(
            Map.entry(
                "no owner whose absence would have the request deleted",
                "{\"metadata\":{\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
                    + "\"name\":\"gone\",\"uid\":\"0b5cf7a1-4a9b-4d8d-9d3b-0a6f3a0e7b12\"}]}}"),
            Map.entry("no finalizer", finalizer()),
            Map.entry("no new label of ours", label("chaperone.dev/a")),
            Map.entry("no other value of a label of ours", label("chaperone.dev/session")),
            Map.entry("no label below our domain", label("x.chaperone.dev/a")),
            Map.entry("no labels removed", "{\"metadata\":{\"labels\":null}}"),
            Map.entry(
                "no annotation of ours",
                "{\"metadata\":{\"annotations\":{\"chaperone.dev/rule\":\"b\"}}}"),
            Map.entry("no annotations removed", "{\"metadata\":{\"annotations\":null}}"))
        .flatMap(
            entry ->
                Stream.of(
                    refused(
                        entry.getKey(),
                        "to the operator",
                        r -> world.dba(JANE).patch(r.path(), Api.MERGE_PATCH, entry.getValue())),
                    refused(
                        entry.getKey() + ", by the administrator",
                        "to the operator",
                        r -> cluster.api().patch(r.path(), Api.MERGE_PATCH, entry.getValue())),
                    DynamicTest.dynamicTest(
                        entry.getKey() + ", of a session",
                        () -> {
                          if (!entry.getKey().contains("annotations removed")) {
                            Answer answer =
                                world.dba(JANE).patch(session, Api.MERGE_PATCH, entry.getValue());
                            assertThat(answer.message()).contains("to the operator");
                          }
                        })));
  }

  @TestFactory
  Stream<DynamicTest> ofASessionOnlyRevokedChanges() {
    String session = world.openSession();
    List<String> leaves = new ArrayList<>();
    leaves(cluster.api().get(session).body().at("/spec"), "/spec", leaves);
    leaves.remove("/spec/revoked");
    assertThat(leaves).hasSizeGreaterThan(5);
    Stream<DynamicTest> changes =
        leaves.stream()
            .map(
                pointer ->
                    DynamicTest.dynamicTest(
                        pointer,
                        () -> {
                          JsonNode before = cluster.api().get(session).body();
                          Answer answer =
                              world
                                  .dba(JANE)
                                  .patch(
                                      session,
                                      Api.JSON_PATCH,
                                      operation("replace", pointer, other(before.at(pointer))));
                          assertThat(answer.message()).contains("this field is immutable");
                          assertThat(cluster.api().get(session).body()).isEqualTo(before);
                        }));
    return Stream.concat(
        changes,
        Stream.of(
            DynamicTest.dynamicTest(
                "and revoked is not taken back",
                () -> {
                  String revoked = world.openSession();
                  assertThat(revoke(revoked, true).accepted()).isTrue();
                  assertThat(revoke(revoked, false).message())
                      .contains("a revoked session stays revoked");
                })));
  }

  private static Answer revoke(String session, boolean value) {
    return world
        .dba(JANE)
        .patch(session, Api.MERGE_PATCH, "{\"spec\":{\"revoked\":" + value + "}}");
  }

  @TestFactory
  Stream<DynamicTest> theRoleOfApproversGivesNothingElse() {
    return Stream.of(
        refused(
            "no update",
            "cannot update resource",
            r -> world.dba(NADIA).update(r.path(), with(r, NADIA))),
        refused("no deletion", "cannot delete resource", r -> world.dba(NADIA).delete(r.path())),
        refused(
            "no deletion of all",
            "cannot deletecollection resource",
            r -> world.dba(NADIA).delete(world.requests())),
        refused(
            "no status",
            "cannot patch resource \"approvalrequests/status\"",
            r ->
                world
                    .dba(NADIA)
                    .patch(
                        r.path() + "/status",
                        Api.MERGE_PATCH,
                        "{\"status\":{\"phase\":\"Approved\"}}")),
        refused(
            "no creation",
            "cannot create resource",
            r -> world.dba(NADIA).create(world.requests(), world.draft().yaml("forged"))),
        refused("no sessions", "cannot list resource", r -> world.dba(NADIA).get(world.sessions())),
        refused(
            "and in another namespace nothing at all",
            "cannot get resource",
            r ->
                world
                    .dba(NADIA)
                    .get("/apis/chaperone.dev/v1alpha1/namespaces/default/approvalrequests/x")));
  }
}
