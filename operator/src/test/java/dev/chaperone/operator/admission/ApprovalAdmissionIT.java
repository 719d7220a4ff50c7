package dev.chaperone.operator.admission;

import static dev.chaperone.operator.admission.ApprovalWorld.AGENT_ACCOUNT;
import static dev.chaperone.operator.admission.ApprovalWorld.DBA;
import static dev.chaperone.operator.admission.ApprovalWorld.GRACE;
import static dev.chaperone.operator.admission.ApprovalWorld.JANE;
import static dev.chaperone.operator.admission.ApprovalWorld.JOHN;
import static dev.chaperone.operator.admission.ApprovalWorld.MALLORY;
import static dev.chaperone.operator.admission.ApprovalWorld.PIPELINE_ACCOUNT;
import static dev.chaperone.operator.admission.ApprovalWorld.RITA;
import static dev.chaperone.operator.admission.ApprovalWorld.add;
import static dev.chaperone.operator.admission.ApprovalWorld.decision;
import static dev.chaperone.operator.admission.ApprovalWorld.merge;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.operator.admission.ApprovalWorld.Opened;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every way we know to approve what one may not: the API server itself refuses it. */
@UsesTestCluster
class ApprovalAdmissionIT extends AdmissionTests {
  @TestFactory
  Stream<DynamicTest> decidingTakesTheVerbApprove() {
    return Stream.of(
        refused(
            "by a JSON patch",
            NEEDS_APPROVE,
            r -> world.dba(MALLORY).patch(r.path(), Api.JSON_PATCH, add(MALLORY, "Approve"))),
        refused(
            "by a merge patch",
            NEEDS_APPROVE,
            r ->
                world
                    .dba(MALLORY)
                    .patch(r.path(), Api.MERGE_PATCH, merge(decision(MALLORY, "Approve")))),
        refused(
            "by server-side apply",
            NEEDS_APPROVE,
            r ->
                world
                    .dba(MALLORY)
                    .patch(
                        r.applyPath("mallory"),
                        Api.APPLY,
                        r.apply("[" + decision(MALLORY, "Approve") + "]"))),
        refused(
            "by an update",
            NEEDS_APPROVE,
            r -> world.dba(MALLORY).update(r.path(), with(r, MALLORY))),
        refused(
            "to deny",
            NEEDS_APPROVE,
            r -> world.dba(MALLORY).patch(r.path(), Api.JSON_PATCH, add(MALLORY, "Deny"))),
        refused(
            "to change a label",
            NEEDS_APPROVE,
            r -> world.dba(MALLORY).patch(r.path(), Api.MERGE_PATCH, label("example.com/a"))),
        refused(
            "to change an annotation",
            NEEDS_APPROVE,
            r ->
                world
                    .dba(MALLORY)
                    .patch(
                        r.path(),
                        Api.MERGE_PATCH,
                        "{\"metadata\":{\"annotations\":{\"example.com/a\":\"b\"}}}")));
  }

  @TestFactory
  Stream<DynamicTest> nobodyDecidesInTheNameOfAnother() {
    return Stream.of(
        refused(
            "by a JSON patch",
            OWN_NAME,
            r -> world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add(JOHN, "Approve"))),
        refused(
            "by a merge patch",
            OWN_NAME,
            r ->
                world.dba(JANE).patch(r.path(), Api.MERGE_PATCH, merge(decision(JOHN, "Approve")))),
        refused(
            "by server-side apply",
            OWN_NAME,
            r ->
                world
                    .dba(JANE)
                    .patch(
                        r.applyPath("jane"),
                        Api.APPLY,
                        r.apply("[" + decision(JOHN, "Approve") + "]"))),
        refused("by an update", OWN_NAME, r -> world.dba(JANE).update(r.path(), with(r, JOHN))),
        refused(
            "beside their own decision",
            OWN_NAME,
            r ->
                world
                    .dba(JANE)
                    .patch(
                        r.path(),
                        Api.MERGE_PATCH,
                        merge(decision(JANE, "Approve"), decision(JOHN, "Approve")))),
        refused(
            "of somebody invented",
            OWN_NAME,
            r -> world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add("nobody", "Approve"))),
        refused(
            "of themselves in other letters",
            OWN_NAME,
            r ->
                world
                    .dba(JANE)
                    .patch(r.path(), Api.JSON_PATCH, add("Jane@example.com", "Approve"))),
        refused(
            "of themselves with a space",
            OWN_NAME,
            r -> world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add(JANE + " ", "Approve"))),
        refused(
            "of nobody",
            "spec.decisions[0].by: Required value",
            r ->
                world
                    .dba(JANE)
                    .patch(r.path(), Api.MERGE_PATCH, merge("{\"verdict\":\"Approve\"}"))),
        refused(
            "of the empty name",
            "spec.decisions[0].by",
            r -> world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add("", "Approve"))),
        refused(
            "not even the administrator",
            OWN_NAME,
            r -> cluster.api().patch(r.path(), Api.JSON_PATCH, add(JANE, "Approve"))),
        refused(
            "not even the operator",
            "denied request",
            r -> world.operator().patch(r.path(), Api.JSON_PATCH, add(JANE, "Approve"))));
  }

  @TestFactory
  Stream<DynamicTest> onlyTheApproversOfTheRequestDecide() {
    String pipeline = cluster.serviceAccount(PIPELINE_ACCOUNT);
    return Stream.of(
        refused(
            "not somebody of another group",
            NOT_APPROVER,
            r ->
                cluster
                    .apiAs(GRACE, "sales")
                    .patch(r.path(), Api.JSON_PATCH, add(GRACE, "Approve"))),
        refused(
            "not somebody of a group with a longer name",
            NOT_APPROVER,
            r ->
                cluster
                    .apiAs(GRACE, "dba-readers")
                    .patch(r.path(), Api.JSON_PATCH, add(GRACE, "Approve"))),
        refused(
            "not a user with the name of the group",
            NOT_APPROVER,
            r -> cluster.apiAs(DBA).patch(r.path(), Api.JSON_PATCH, add(DBA, "Approve"))),
        refused(
            "not a group with the name of a user",
            NOT_APPROVER,
            () -> world.draft().approvers("{users: ['" + JOHN + "'], count: 1}").open(),
            r ->
                cluster
                    .apiAs(JANE, JOHN, DBA)
                    .patch(r.path(), Api.JSON_PATCH, add(JANE, "Approve"))),
        refused(
            "not a user whose name begins like an approver's",
            NOT_APPROVER,
            () -> world.draft().approvers("{users: ['" + JANE + "'], count: 1}").open(),
            r -> cluster.apiAs("jane").patch(r.path(), Api.JSON_PATCH, add("jane", "Approve"))),
        refused(
            "not a user whose name differs from an approver's in letters",
            NOT_APPROVER,
            () -> world.draft().approvers("{users: ['" + JANE + "'], count: 1}").open(),
            r ->
                cluster
                    .apiAs("Jane@example.com")
                    .patch(r.path(), Api.JSON_PATCH, add("Jane@example.com", "Approve"))),
        refused(
            "nobody, where the request names nobody",
            NOT_APPROVER,
            () -> world.draft().approvers("{count: 1}").open(),
            r -> world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add(JANE, "Approve"))),
        refused(
            "not the administrator",
            NOT_APPROVER,
            r ->
                cluster
                    .apiAs("root", "system:masters")
                    .patch(r.path(), Api.JSON_PATCH, add("root", "Approve"))),
        refused(
            "not a pipeline that is not named",
            NOT_APPROVER,
            r -> cluster.apiAs(pipeline).patch(r.path(), Api.JSON_PATCH, add(pipeline, "Approve"))),
        refused(
            "not the operator",
            "denied request",
            r ->
                world
                    .operator()
                    .patch(r.path(), Api.JSON_PATCH, add(world.operatorName(), "Approve"))),
        refused(
            "not the operator, even where its group is named",
            NEEDS_APPROVE,
            () -> world.draft().approvers("{groups: ['system:serviceaccounts'], count: 1}").open(),
            r ->
                world
                    .operator()
                    .patch(r.path(), Api.JSON_PATCH, add(world.operatorName(), "Approve"))));
  }

  @TestFactory
  Stream<DynamicTest> whoAsksDoesNotDecide() {
    String agent = cluster.serviceAccount(AGENT_ACCOUNT);
    String pipeline = cluster.serviceAccount(PIPELINE_ACCOUNT);
    String all = "{groups: ['system:authenticated'], users: ['" + agent + "'], count: 1}";
    return Stream.of(
        refused(
            "an agent by its service account",
            "who asks does not decide",
            () -> world.draft().approvers(all).open(),
            r -> cluster.apiAs(agent).patch(r.path(), Api.JSON_PATCH, add(agent, "Approve"))),
        refused(
            "a person behind an agent",
            "who asks does not decide",
            () -> world.draft().approvers(all).requester(RITA).open(),
            r -> world.dba(RITA).patch(r.path(), Api.JSON_PATCH, add(RITA, "Approve"))),
        refused(
            "the agent's pod, where a person is behind it",
            "the service account of the agent's pod does not decide",
            () -> world.draft().approvers(all).requester(RITA).open(),
            r -> cluster.apiAs(agent).patch(r.path(), Api.JSON_PATCH, add(agent, "Approve"))),
        refused(
            "not even by a Deny",
            "who asks does not decide",
            () -> world.draft().approvers(all).requester(RITA).open(),
            r -> world.dba(RITA).patch(r.path(), Api.JSON_PATCH, add(RITA, "Deny"))),
        refused(
            "not by server-side apply",
            "who asks does not decide",
            () -> world.draft().approvers(all).requester(RITA).open(),
            r ->
                world
                    .dba(RITA)
                    .patch(
                        r.applyPath("rita"),
                        Api.APPLY,
                        r.apply("[" + decision(RITA, "Approve") + "]"))),
        refused(
            "where people are asked for, a pipeline does not, by name",
            "humansOnly",
            () ->
                world
                    .draft()
                    .approvers("{users: ['" + pipeline + "'], humansOnly: true, count: 1}")
                    .open(),
            r -> cluster.apiAs(pipeline).patch(r.path(), Api.JSON_PATCH, add(pipeline, "Approve"))),
        refused(
            "where people are asked for, a pipeline does not, by group",
            "humansOnly",
            () ->
                world
                    .draft()
                    .approvers("{groups: ['system:serviceaccounts'], humansOnly: true, count: 1}")
                    .open(),
            r ->
                cluster.apiAs(pipeline).patch(r.path(), Api.JSON_PATCH, add(pipeline, "Approve"))));
  }

  // What is decided stays decided.

  @TestFactory
  Stream<DynamicTest> decisionsStayAsTheyAre() {
    Supplier<Opened> decided =
        () -> world.draft().open().decided(JANE, "Deny").decided(JOHN, "Approve");
    return Stream.of(
        refused("nobody turns their own around", APPEND_ONLY, decided, turn(JANE, 0, "Approve")),
        refused("nobody turns another's around", APPEND_ONLY, decided, turn(JANE, 1, "Deny")),
        refused(
            "nobody comments later",
            APPEND_ONLY,
            decided,
            patchedBy(JANE, "add", "/spec/decisions/0/comment", "\"I was forced\"")),
        refused(
            "nobody gives theirs to another",
            APPEND_ONLY,
            decided,
            patchedBy(JANE, "replace", "/spec/decisions/0/by", "\"x\"")),
        refused("nobody removes their own", APPEND_ONLY, decided, removed(JANE, 0)),
        refused("nobody removes another's", APPEND_ONLY, decided, removed(JANE, 1)),
        refused(
            "nobody removes and decides anew",
            APPEND_ONLY,
            decided,
            r ->
                world
                    .dba(JANE)
                    .patch(
                        r.path(),
                        Api.JSON_PATCH,
                        "[{\"op\":\"remove\",\"path\":\"/spec/decisions/0\"},"
                            + add(JANE, "Approve").strip().substring(1))),
        refused(
            "nobody decides twice",
            "Duplicate value",
            decided,
            r -> world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add(JANE, "Approve"))),
        refused(
            "nobody decides twice at once",
            "Duplicate value",
            () -> world.draft().open(),
            r ->
                world
                    .dba(JANE)
                    .patch(
                        r.path(),
                        Api.MERGE_PATCH,
                        merge(decision(JANE, "Approve"), decision(JANE, "Deny")))),
        refused(
            "a merge patch does not leave another's out",
            APPEND_ONLY,
            () -> world.draft().open().decided(JOHN, "Deny"),
            r ->
                world.dba(JANE).patch(r.path(), Api.MERGE_PATCH, merge(decision(JANE, "Approve")))),
        refused(
            "a merge patch does not empty the list",
            APPEND_ONLY,
            decided,
            r -> world.dba(JANE).patch(r.path(), Api.MERGE_PATCH, merge())),
        refused(
            "a merge patch does not take the list away",
            APPEND_ONLY,
            decided,
            r ->
                world
                    .dba(JANE)
                    .patch(r.path(), Api.MERGE_PATCH, "{\"spec\":{\"decisions\":null}}")),
        refused(
            "a JSON patch does not take the list away",
            APPEND_ONLY,
            decided,
            r ->
                world
                    .dba(JANE)
                    .patch(
                        r.path(),
                        Api.JSON_PATCH,
                        "[{\"op\":\"remove\",\"path\":\"/spec/decisions\"}]")),
        refused(
            "an update does not leave one out",
            APPEND_ONLY,
            decided,
            r -> {
              ObjectNode copy = r.read().deepCopy();
              ((ArrayNode) copy.path("spec").path("decisions")).remove(0);
              return world.dba(JANE).update(r.path(), copy.toString());
            }),
        refused(
            "server-side apply as another's manager does not take theirs over",
            APPEND_ONLY,
            () -> {
              Opened request = world.draft().open();
              Answer first =
                  world
                      .dba(JOHN)
                      .patch(
                          request.applyPath("kubectl"),
                          Api.APPLY,
                          request.apply("[" + decision(JOHN, "Deny") + "]"));
              assertThat(first.accepted()).as(first.toString()).isTrue();
              return request;
            },
            r ->
                world
                    .dba(JANE)
                    .patch(
                        r.applyPath("kubectl"),
                        Api.APPLY,
                        r.apply("[" + decision(JANE, "Approve") + "]"))),
        refused(
            "not even the administrator removes one",
            APPEND_ONLY,
            decided,
            r ->
                cluster
                    .api()
                    .patch(
                        r.path(),
                        Api.JSON_PATCH,
                        "[{\"op\":\"remove\",\"path\":\"/spec/decisions/0\"}]")),
        refused(
            "not even the operator removes one",
            APPEND_ONLY,
            decided,
            r ->
                world
                    .operator()
                    .patch(
                        r.path(),
                        Api.JSON_PATCH,
                        "[{\"op\":\"remove\",\"path\":\"/spec/decisions/0\"}]")),
        refused(
            "a stale copy does not overwrite a later decision",
            "the object has been modified",
            () -> world.draft().open(),
            r -> {
              String stale = with(r, JANE);
              r.decided(JOHN, "Deny");
              return world.dba(JANE).update(r.path(), stale);
            },
            false));
  }

  @TestFactory
  Stream<DynamicTest> decisionsHaveAForm() {
    return Stream.of(
        refused(
            "no third verdict",
            "Unsupported value",
            r -> world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add(JANE, "Perhaps"))),
        refused(
            "no verdict in other letters",
            "Unsupported value",
            r -> world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add(JANE, "approve"))),
        refused(
            "no decision without a verdict",
            "spec.decisions[0].verdict: Required value",
            r ->
                world
                    .dba(JANE)
                    .patch(r.path(), Api.MERGE_PATCH, merge("{\"by\":\"" + JANE + "\"}"))),
        refused(
            "no comment of any length",
            "spec.decisions[0].comment: Too long",
            r ->
                world
                    .dba(JANE)
                    .patch(
                        r.path(),
                        Api.MERGE_PATCH,
                        merge(
                            "{\"by\":\"%s\",\"verdict\":\"Deny\",\"comment\":\"%s\"}"
                                .formatted(JANE, "x".repeat(1025))))),
        refused(
            "no seventeenth",
            "spec.decisions: Too many",
            AdmissionTests::decidedBySixteen,
            r ->
                cluster
                    .apiAs("crowd-17", "crowd")
                    .patch(r.path(), Api.JSON_PATCH, add("crowd-17", "Approve"))),
        refused(
            "no strategic merge patch, of which the API server has none for our kinds",
            "the body of the request was in an unknown format",
            r ->
                world
                    .dba(JANE)
                    .patch(r.path(), Api.STRATEGIC_MERGE_PATCH, merge(decision(JANE, "Approve")))));
  }

  @TestFactory
  Stream<DynamicTest> nothingChangesAfterAFinalPhase() {
    return FINAL_PHASES.stream()
        .flatMap(
            phase -> {
              Supplier<Opened> closed =
                  () -> world.draft().open().decided(JOHN, "Approve").phase(phase);
              String because = "the request is closed (" + phase + ")";
              return Stream.of(
                  refused(
                      phase + ": no Approve",
                      because,
                      closed,
                      r -> world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add(JANE, "Approve"))),
                  refused(
                      phase + ": no Deny",
                      because,
                      closed,
                      r -> world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add(JANE, "Deny"))),
                  refused(
                      phase + ": no decision by server-side apply",
                      because,
                      closed,
                      r ->
                          world
                              .dba(JANE)
                              .patch(
                                  r.applyPath("jane"),
                                  Api.APPLY,
                                  r.apply("[" + decision(JANE, "Approve") + "]"))),
                  refused(
                      phase + ": no label",
                      because,
                      closed,
                      r ->
                          world
                              .dba(JANE)
                              .patch(r.path(), Api.MERGE_PATCH, label("example.com/a"))));
            });
  }
}
