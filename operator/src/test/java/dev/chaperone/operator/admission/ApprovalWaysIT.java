package dev.chaperone.operator.admission;

import static dev.chaperone.operator.admission.ApprovalWorld.DBA;
import static dev.chaperone.operator.admission.ApprovalWorld.JANE;
import static dev.chaperone.operator.admission.ApprovalWorld.JOHN;
import static dev.chaperone.operator.admission.ApprovalWorld.NADIA;
import static dev.chaperone.operator.admission.ApprovalWorld.PIPELINE_ACCOUNT;
import static dev.chaperone.operator.admission.ApprovalWorld.add;
import static dev.chaperone.operator.admission.ApprovalWorld.decision;
import static dev.chaperone.operator.admission.ApprovalWorld.merge;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.operator.admission.ApprovalWorld.Opened;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.Output;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What the admission policies have to let pass. */
@UsesTestCluster
class ApprovalWaysIT extends AdmissionTests {
  @TestFactory
  Stream<DynamicTest> anApproverDecides() {
    return Stream.of(
        decides(
            "with kubectl patch --type=json",
            NADIA,
            r ->
                kubectl(
                    NADIA, "patch", "apreq", r.name(), "--type=json", "-p", add(NADIA, "Approve"))),
        decides(
            "with kubectl patch --type=merge",
            NADIA,
            r ->
                kubectl(
                    NADIA,
                    "patch",
                    "apreq",
                    r.name(),
                    "--type=merge",
                    "-p",
                    merge(decision(NADIA, "Approve")))),
        decides(
            "with kubectl edit",
            NADIA,
            r ->
                cluster.kubectl(
                    Map.of(
                        "KUBE_EDITOR",
                        "sed -i 's/^  decisions: \\[\\]$/  decisions: [{by: "
                            + NADIA
                            + ", verdict: Approve}]/'"),
                    "edit",
                    "apreq",
                    r.name(),
                    "--as=" + NADIA,
                    "--as-group=" + DBA)),
        decides(
            "by server-side apply",
            NADIA,
            r ->
                said(
                    world
                        .dba(NADIA)
                        .patch(
                            r.applyPath("nadia"),
                            Api.APPLY,
                            r.apply("[" + decision(NADIA, "Approve") + "]")))),
        decides(
            "by an update with a resource version",
            JANE,
            r -> said(world.dba(JANE).update(r.path(), with(r, JANE)))),
        decides(
            "as a user whom the request names",
            JANE,
            () -> world.draft().approvers("{users: ['" + JANE + "'], count: 1}").open(),
            r -> said(cluster.apiAs(JANE).patch(r.path(), Api.JSON_PATCH, add(JANE, "Approve")))),
        decides(
            "as a pipeline whom the request names",
            cluster.serviceAccount(PIPELINE_ACCOUNT),
            () ->
                world
                    .draft()
                    .approvers(
                        "{users: ['" + cluster.serviceAccount(PIPELINE_ACCOUNT) + "'], count: 1}")
                    .open(),
            r -> {
              String pipeline = cluster.serviceAccount(PIPELINE_ACCOUNT);
              return said(
                  cluster
                      .apiAs(pipeline)
                      .patch(r.path(), Api.JSON_PATCH, add(pipeline, "Approve")));
            }),
        decides(
            "where people are asked for, as one",
            JANE,
            () -> world.draft().approvers("{groups: [dba], humansOnly: true, count: 1}").open(),
            r -> said(world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add(JANE, "Approve")))),
        decides(
            "before the operator has said a phase",
            JANE,
            () -> world.draft().withoutStatus().open(),
            r -> said(world.dba(JANE).patch(r.path(), Api.JSON_PATCH, add(JANE, "Approve")))));
  }

  @Test
  void twoApproversApplyWithManagersOfTheirOwn() {
    Opened request = world.draft().open();
    for (String user : List.of(JANE, JOHN)) {
      Answer answer =
          world
              .dba(user)
              .patch(
                  request.applyPath(user),
                  Api.APPLY,
                  request.apply("[" + decision(user, "Approve") + "]"));
      assertThat(answer.accepted()).as(answer.toString()).isTrue();
    }
    assertThat(request.read().at("/spec/decisions")).hasSize(2);
  }

  @Test
  void aDenyIsTakenAfterAnApproval() {
    Opened request = world.draft().open().decided(JANE, "Approve").phase("Approved");
    request.decided(JOHN, "Deny");
    assertThat(request.read().at("/spec/decisions/1/verdict").textValue()).isEqualTo("Deny");
  }

  @Test
  void sixteenDecide() {
    assertThat(decidedBySixteen().read().at("/spec/decisions")).hasSize(16);
  }

  @Test
  void whatIsAppliedAgainAfterTheEndAndChangesNothingIsTaken() {
    Opened request = world.draft().open();
    String applied = request.apply("[" + decision(JANE, "Approve") + "]");
    String path = request.applyPath("gitops");
    assertThat(world.dba(JANE).patch(path, Api.APPLY, applied).accepted()).isTrue();
    request.phase("Used");
    Answer again = world.dba(JANE).patch(path, Api.APPLY, applied);
    assertThat(again.accepted()).as(again.toString()).isTrue();
  }

  @Test
  void anApproverLabelsAnOpenRequest() {
    Opened request = world.draft().open();
    Answer answer =
        world.dba(JANE).patch(request.path(), Api.MERGE_PATCH, label("example.com/ticket"));
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  @Test
  void aPersonRevokesASession() {
    String session = world.openSession();
    String name = session.substring(session.lastIndexOf('/') + 1);
    Output output =
        kubectl(
            JANE,
            "patch",
            "agentsession",
            name,
            "--type=merge",
            "-p",
            "{\"spec\":{\"revoked\":true}}");
    assertThat(output.exit()).as(output.toString()).isZero();
    assertThat(cluster.api().get(session).body().at("/spec/revoked").booleanValue()).isTrue();
  }

  @Test
  void theOperatorKeepsTheRecord() {
    Opened request = world.draft().open().phase("Used");
    Api operator = world.operator();
    assertThat(
            operator.patch(request.path(), Api.MERGE_PATCH, label("chaperone.dev/kept")).accepted())
        .isTrue();
    assertThat(operator.patch(request.path(), Api.MERGE_PATCH, finalizer()).accepted()).isTrue();
    assertThat(
            operator
                .patch(request.path(), Api.MERGE_PATCH, "{\"metadata\":{\"finalizers\":null}}")
                .accepted())
        .isTrue();
    assertThat(operator.delete(request.path()).accepted()).isTrue();
    assertThat(cluster.api().get(request.path()).code()).isEqualTo(404);
  }

  @Test
  void theControllersOfKubernetesClearUp() {
    Opened request = world.draft().open();
    Api collector =
        cluster.apiAs(
            "system:serviceaccount:kube-system:generic-garbage-collector", "system:masters");
    assertThat(collector.patch(request.path(), Api.MERGE_PATCH, finalizer()).accepted()).isTrue();
    assertThat(
            collector
                .patch(request.path(), Api.MERGE_PATCH, "{\"metadata\":{\"finalizers\":null}}")
                .accepted())
        .isTrue();
    assertThat(collector.delete(request.path()).accepted()).isTrue();
  }

  @Test
  void aNamespaceWithRequestsCanBeDeleted() {
    String namespace = cluster.namespace() + "-2";
    String path = "/apis/chaperone.dev/v1alpha1/namespaces/" + namespace + "/approvalrequests";
    cluster
        .api()
        .create(
            "/api/v1/namespaces",
            "{apiVersion: v1, kind: Namespace, metadata: {name: " + namespace + "}}");
    Answer created =
        cluster
            .apiAs(world.operatorName(), "system:masters")
            .create(path, world.draft().yaml("left"));
    assertThat(created.accepted()).as(created.toString()).isTrue();
    assertThat(cluster.api().delete("/api/v1/namespaces/" + namespace).accepted()).isTrue();
    await()
        .atMost(Duration.ofMinutes(2))
        .until(() -> cluster.api().get("/api/v1/namespaces/" + namespace).code() == 404);
  }
}
