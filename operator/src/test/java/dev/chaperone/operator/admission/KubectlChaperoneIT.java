package dev.chaperone.operator.admission;

import static dev.chaperone.operator.admission.ApprovalWorld.DBA;
import static dev.chaperone.operator.admission.ApprovalWorld.JANE;
import static dev.chaperone.operator.admission.ApprovalWorld.MALLORY;
import static dev.chaperone.operator.admission.ApprovalWorld.NADIA;
import static dev.chaperone.operator.admission.ApprovalWorld.OLIVE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chaperone.operator.admission.ApprovalWorld.Opened;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Output;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code kubectl chaperone}, found by kubectl on the PATH and run as the process it is. */
@UsesTestCluster
class KubectlChaperoneIT extends AdmissionTests {
  private static final String ONE_APPROVER = "{groups: [dba], count: 1}";

  @TempDir Path plugins;

  @BeforeEach
  void link() throws IOException {
    Files.createSymbolicLink(
        plugins.resolve("kubectl-chaperone"), Path.of("../chaperone").toRealPath());
  }

  @Test
  void anApprovalIsTakenAndItsOutcomeIsSaid() throws Exception {
    Opened request = world.draft().approvers(ONE_APPROVER).open();
    Output output =
        whileTheOperatorAnswers(
            request,
            "{\"phase\":\"Approved\",\"decisions\":[{\"by\":\"%s\",\"verdict\":\"Approve\",\"observedAt\":\"2026-01-01T00:00:00Z\"}]}"
                .formatted(NADIA),
            "approve",
            request.name(),
            "-m",
            "looks right");
    assertThat(output.out()).isEqualTo(request.name() + ": Approved\n");
    assertThat(output.exit()).isZero();
    assertThat(request.read().at("/spec/decisions/0/by").textValue()).isEqualTo(NADIA);
    assertThat(request.read().at("/spec/decisions/0/verdict").textValue()).isEqualTo("Approve");
    assertThat(request.read().at("/spec/decisions/0/comment").textValue()).isEqualTo("looks right");
  }

  @Test
  void aDenialIsTakenAndItsOutcomeIsSaid() throws Exception {
    Opened request = world.draft().approvers(ONE_APPROVER).open();
    Output output =
        whileTheOperatorAnswers(
            request,
            "{\"phase\":\"Denied\",\"decisions\":[{\"by\":\"%s\",\"verdict\":\"Deny\",\"observedAt\":\"2026-01-01T00:00:00Z\"}]}"
                .formatted(NADIA),
            "deny",
            request.name(),
            "--message=not on a Friday: \"no\"\nand no");
    assertThat(output.out()).isEqualTo(request.name() + ": Denied\n");
    assertThat(request.read().at("/spec/decisions/0/verdict").textValue()).isEqualTo("Deny");
    assertThat(request.read().at("/spec/decisions/0/comment").textValue())
        .isEqualTo("not on a Friday: \"no\"\nand no");
  }

  @Test
  void aDecisionThatDoesNotCountIsAnErrorThatSaysWhy() throws Exception {
    Opened request = world.draft().approvers(ONE_APPROVER).open();
    Output output =
        whileTheOperatorAnswers(
            request,
            "{\"phase\":\"Pending\",\"conditions\":[{\"type\":\"DecisionIgnored\",\"status\":\"True\",\"reason\":\"TooLate\",\"message\":\"%s: it came too late\",\"lastTransitionTime\":\"2026-01-01T00:00:00Z\"}]}"
                .formatted(NADIA),
            "approve",
            request.name());
    assertThat(output.exit()).isEqualTo(1);
    assertThat(output.err()).contains("the decision does not count", "it came too late");
  }

  @Test
  void whileTheOperatorIsAwayTheDecisionStandsAndTheCommandSaysSo() {
    Opened request = world.draft().open();
    Output output = chaperone("approve", request.name(), "--as", NADIA, "--as-group", DBA);
    assertThat(output.exit()).isEqualTo(1);
    assertThat(output.err()).contains("the decision stands", "operator");
    assertThat(request.read().at("/spec/decisions/0/by").textValue()).isEqualTo(NADIA);
  }

  @Test
  void whoMayNotApproveIsToldByTheApiServer() {
    Opened request = world.draft().open();
    Output output = chaperone("approve", request.name(), "--as", MALLORY, "--as-group", DBA);
    assertThat(output.exit()).isEqualTo(1);
    assertThat(output.err()).contains("approve");
    assertThat(request.read().at("/spec/decisions")).isEmpty();
  }

  @Test
  void nobodyDecidesTwice() {
    Opened request = world.draft().open().decided(JANE, "Approve");
    Output output = chaperone("deny", request.name(), "--as", JANE, "--as-group", DBA);
    assertThat(output.exit()).isEqualTo(1);
    assertThat(request.read().at("/spec/decisions")).hasSize(1);
    assertThat(request.read().at("/spec/decisions/0/verdict").textValue()).isEqualTo("Approve");
  }

  @Test
  void whatWaitsIsListedAndTheRestWhenAskedFor() {
    Opened waiting = world.draft().open();
    Opened used = world.draft().open().phase("Used");
    Output output = chaperone("requests", "--as", NADIA);
    assertThat(output.exit()).as(output.err()).isZero();
    assertThat(output.out())
        .contains("NAME", "PHASE", "EXPIRES", "RULE", "OPERATION")
        .containsPattern(
            waiting.name()
                + " +Pending +[0-9]+d +support-agents/other-writes +DELETE FROM orders WHERE id = \\$1")
        .doesNotContain(used.name() + " ");
    assertThat(chaperone("requests", "--all", "--as", NADIA).out())
        .containsPattern(used.name() + " +Used");
    assertThat(chaperone("requests", "--all-namespaces").out())
        .containsPattern(cluster.namespace() + " +" + waiting.name() + " +Pending");
  }

  @Test
  void aRequestIsShownWhole() {
    Opened request = world.draft().open().decided(JANE, "Approve");
    Output output = chaperone("show", request.name(), "--as", NADIA);
    assertThat(output.exit()).as(output.err()).isZero();
    assertThat(output.out())
        .contains(
            "Request:     " + request.name(),
            "Phase:       Pending",
            "Connection:  orders-db",
            "Requester:   " + cluster.serviceAccount("support-agent"),
            "Decided by:  group dba; 2 of them",
            "  DELETE FROM orders WHERE id = $1",
            "  $1 int8: '7'",
            "  Write: DELETE on public.orders",
            "Approved by: " + JANE);
  }

  @Test
  void aRequestThatIsNotThereAndANameThatIsNoneAreErrors() {
    Output absent = chaperone("show", "no-such-request");
    assertThat(absent.exit()).isEqualTo(1);
    assertThat(absent.err()).contains("no-such-request", "not found");
    Output misnamed = chaperone("show", "Request_1");
    assertThat(misnamed.exit()).isEqualTo(2);
    assertThat(misnamed.err()).contains("not a resource name");
  }

  @Test
  void whoMayNotReadIsToldByTheApiServer() {
    Output output = chaperone("requests", "--as", "nobody@example.com");
    assertThat(output.exit()).isEqualTo(1);
    assertThat(output.err()).contains("forbidden", "nobody@example.com");
    assertThat(output.out()).isEmpty();
  }

  @Test
  void sessionsAreListedWithWhatTheyDid() {
    String name = nameOf(world.openSession());
    Output output = chaperone("sessions", "--as", OLIVE);
    assertThat(output.exit()).as(output.err()).isZero();
    assertThat(output.out())
        .contains("NAME", "PHASE", "CONNECTION", "AGENT", "LAST ACTIVITY")
        .containsPattern(name + " +Active +orders-db +support-agent +- +- +- +- +-");
    assertThat(chaperone("sessions", "--all-namespaces", "--active").out())
        .containsPattern(cluster.namespace() + " +" + name + " +Active");
    assertThat(chaperone("sessions", "--as", "nobody@example.com").err())
        .contains("forbidden", "nobody@example.com");
  }

  @Test
  void aSessionIsRevokedAndTheCommandSaysWhenItIsOver() throws Exception {
    String session = world.openSession();
    String name = nameOf(session);
    CompletableFuture<Output> output =
        CompletableFuture.supplyAsync(() -> chaperone("revoke", name, "--as", OLIVE));
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> output.isDone() || read(session).at("/spec/revoked").asBoolean());
    assertThat(
            world
                .operator()
                .patch(session + "/status", Api.MERGE_PATCH, "{\"status\":{\"phase\":\"Revoked\"}}")
                .accepted())
        .isTrue();
    assertThat(output.get(60, TimeUnit.SECONDS).out()).isEqualTo(name + ": Revoked\n");
    assertThat(output.get().exit()).isZero();
    Output again = chaperone("revoke", name, "--as", OLIVE);
    assertThat(again.exit()).isEqualTo(1);
    assertThat(again.err()).contains(name + " is over: Revoked");
  }

  @Test
  void whoMayNotRevokeIsToldByTheApiServerAndTheSessionGoesOn() {
    String session = world.openSession();
    Output output = chaperone("revoke", nameOf(session), "--as", NADIA);
    assertThat(output.exit()).isEqualTo(1);
    assertThat(output.err()).contains("forbidden", NADIA);
    assertThat(read(session).at("/spec/revoked").asBoolean()).isFalse();
  }

  @Test
  void whileTheOperatorIsAwayTheRevocationStandsAndTheCommandSaysSo() {
    String session = world.openSession();
    Output output = chaperone("revoke", nameOf(session), "--as", OLIVE);
    assertThat(output.exit()).isEqualTo(1);
    assertThat(output.err()).contains("marked as revoked", "operator");
    assertThat(read(session).at("/spec/revoked").asBoolean()).isTrue();
  }

  private JsonNode read(String session) {
    return cluster.api().get(session).body();
  }

  private static String nameOf(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /** Nadia runs a command, and once her decision is there the operator writes a status. */
  private Output whileTheOperatorAnswers(Opened request, String status, String... command)
      throws Exception {
    List<String> whole = new ArrayList<>(List.of(command));
    whole.addAll(List.of("--as", NADIA, "--as-group", DBA));
    CompletableFuture<Output> output =
        CompletableFuture.supplyAsync(() -> chaperone(whole.toArray(String[]::new)));
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> output.isDone() || request.read().at("/spec/decisions").size() == 1);
    request.status(status);
    return output.get(60, TimeUnit.SECONDS);
  }

  private Output chaperone(String... command) {
    List<String> whole = new ArrayList<>(List.of("chaperone"));
    whole.addAll(List.of(command));
    return cluster.kubectlPlugin(
        plugins, Map.of("CHAPERONE_BUILD", "never"), whole.toArray(String[]::new));
  }
}
