package dev.chaperone.control.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.crds.v1alpha1.Effect;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.RequestAccess;
import dev.chaperone.crds.v1alpha1.RequestApprovers;
import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.crds.v1alpha1.RequestParameter;
import dev.chaperone.crds.v1alpha1.RequestPolicy;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StatusFilesTest {
  @TempDir Path directory;
  private StatusFiles<ApprovalRequestSpec, ApprovalRequestStatus> files;

  @BeforeEach
  void open() {
    files = StatusFiles.approvalRequests(directory);
  }

  private static Entry<ApprovalRequestSpec, ApprovalRequestStatus> request(
      String name, String text, List<ApprovalDecision> decisions) {
    Request request =
        new Request(
            "session-1",
            "orders-db",
            new RequestRequester("system:serviceaccount:a:b", List.of(), "b", "pod", "uid"),
            new RequestOperation(
                Protocol.POSTGRESQL,
                List.of(new RequestAccess(Effect.WRITE, "DELETE", "public.orders")),
                text,
                List.of(new RequestParameter("25", "null", null)),
                "sha256:" + "0".repeat(64)),
            new RequestPolicy("policy", "rule", "uid", 3L),
            new RequestApprovers(List.of("dba"), List.of(), 1, false),
            "2026-01-01T00:00:00Z");
    return new Entry<>(
        "support",
        name,
        "2026-01-01T00:00:00Z",
        new ApprovalRequestSpec(request, decisions),
        new ApprovalRequestStatus(ApprovalPhase.PENDING, List.of(), List.of()));
  }

  @Test
  void whatWasWrittenIsReadAgainWhateverItsTextLooksLikeInYaml() throws Exception {
    for (String text :
        List.of(
            "DELETE FROM t", "no", "2026-01-01", "- a: b\n#c", "'\"{}[]&*!|>%@`", "ünï 🙂", "~")) {
      Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry = request("r1", text, List.of());
      files.write(entry);
      assertThat(files.read("r1")).as(text).contains(entry);
    }
    assertThat(files.names()).containsExactly("r1");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(files.file("r1"))))
        .isEqualTo("rw-------");
    files.delete("r1");
    assertThat(files.read("r1")).isEmpty();
  }

  @Test
  void whatIsNotAValidResourceOfThisKindIsRefusedWithItsPlace() throws Exception {
    files.write(request("r1", "x", List.of()));
    String valid = Files.readString(files.file("r1"));
    for (String[] edit :
        new String[][] {
          {"kind: ApprovalRequest", "kind: AgentSession"},
          {"name: r1", "name: r2"},
          {"decisions: []", "decisions: [{by: alice, verdict: Maybe}]"},
          {"decisions: []", "decisions: [{by: alice, verdict: Approve, extra: 1}]"},
          {"decisions: []", "decisions: [{verdict: Approve}]"},
          {"status:", "extra: 1\nstatus:"},
          {"spec:", "spec: {"},
          {"sha256:", "md5:"},
        }) {
      assertThat(valid).contains(edit[0]);
      Files.writeString(files.file("r1"), valid.replace(edit[0], edit[1]));
      assertThatThrownBy(() -> files.read("r1"))
          .as(edit[1])
          .isInstanceOfSatisfying(
              InvalidConfigurationException.class,
              e -> assertThat(e.problems()).allMatch(p -> p.toString().contains("r1.yaml")));
    }
  }

  @Test
  void whatItWroteItselfIsToldFromWhatOthersChanged() throws Exception {
    assertThat(files.stamp("r1")).isEmpty();
    var written = files.write(request("r1", "x", List.of()));
    assertThat(files.stamp("r1")).contains(written);
    assertThat(files.write(request("r1", "x", List.of()))).isNotEqualTo(written);
    var again = files.stamp("r1").orElseThrow();
    Files.writeString(files.file("r1"), Files.readString(files.file("r1")) + "\n");
    assertThat(files.stamp("r1").orElseThrow()).isNotEqualTo(again);
  }

  @Test
  void onlyNamesOfResourcesLeadToFiles() {
    for (String name : List.of("../x", "", "A", "a/b", "a".repeat(254))) {
      assertThatThrownBy(() -> files.file(name)).isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(files.nameOf(Path.of("approvalrequest-a.yaml"))).contains("a");
    assertThat(files.nameOf(Path.of("agentsession-a.yaml"))).isEmpty();
    assertThat(files.nameOf(Path.of(".approvalrequest-a.tmp"))).isEmpty();
  }

  @Test
  void changesUnderTheLockDoNotOverwriteEachOther() throws Exception {
    files.write(request("r1", "x", List.of()));
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<?>> done =
          IntStream.range(0, 16)
              .<Future<?>>mapToObj(
                  i ->
                      threads.submit(
                          () ->
                              StatusFiles.approvalRequests(directory)
                                  .locked(() -> addDecision("user-" + i))))
              .toList();
      for (Future<?> future : done) {
        future.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(files.read("r1").orElseThrow().spec().decisions()).hasSize(16);
  }

  private Void addDecision(String user) throws IOException, InvalidConfigurationException {
    Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry = files.read("r1").orElseThrow();
    List<ApprovalDecision> decisions = new ArrayList<>(entry.spec().decisions());
    decisions.add(new ApprovalDecision(user, ApprovalVerdict.APPROVE, null));
    files.write(entry.withSpec(new ApprovalRequestSpec(entry.spec().request(), decisions)));
    return null;
  }
}
