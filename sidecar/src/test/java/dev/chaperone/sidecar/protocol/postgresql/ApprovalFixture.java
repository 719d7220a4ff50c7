package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.approval.ApprovalDecisions;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A gateway under rules that ask for approval, and its approvers. */
abstract class ApprovalFixture {
  static final String WRITE = "INSERT INTO log VALUES (1, 'approved')";

  TestPostgres server;
  GatewayUnderTest gateway;
  private final Set<String> known = new TreeSet<>();

  @BeforeEach
  void start() {
    server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    gateway = GatewayUnderTest.start(server);
    terms("");
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  /** Reads are allowed, writes need approval under these terms. */
  void terms(String terms) {
    terms("{groups: [dba]}", terms);
  }

  void terms(String approvers, String terms) {
    gateway.policy(
        """
          rules:
          - name: never
            resources: ["public.denied"]
            action: Deny
          - name: reads
            effects: [Read, Execute]
            action: Allow
          - name: writes
            effects: [Write, Privilege]
            action: RequireApproval
            approval: {approvers: %s%s}
        """
            .formatted(approvers, terms.isEmpty() ? "" : ", " + terms));
  }

  /** The request that was opened since the last call. */
  String request() {
    List<String> fresh = new ArrayList<>();
    await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () -> {
              fresh.clear();
              fresh.addAll(gateway.requests().names());
              fresh.removeAll(known);
              return !fresh.isEmpty();
            });
    assertThat(fresh).hasSize(1);
    known.addAll(fresh);
    return fresh.get(0);
  }

  /** The request of a client that asked and did not wait. */
  String abandoned(String sql) throws Exception {
    int others = gateway.clientCount();
    String request;
    try (WireClient client = gateway.wire()) {
      client.send(query(sql));
      client.readTo('N');
      request = request();
    }
    // Until the gateway knows that nobody waits any more, an approval would be used at once.
    await().until(() -> gateway.clientCount() <= others);
    return request;
  }

  Entry<ApprovalRequestSpec, ApprovalRequestStatus> read(String name) {
    try {
      return gateway.requests().read(name).orElseThrow();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  void decide(String name, String by, ApprovalVerdict verdict, String comment) {
    try {
      ApprovalDecisions.add(gateway.requests(), name, new ApprovalDecision(by, verdict, comment));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  void approve(String name) {
    decide(name, "alice", ApprovalVerdict.APPROVE, "go ahead");
  }

  void awaitPhase(String name, ApprovalPhase phase) {
    await().atMost(Duration.ofSeconds(20)).until(() -> read(name).status().phase() == phase);
  }

  List<String> log() {
    return server.query("SELECT n || ' ' || who FROM log ORDER BY 1");
  }

  static List<byte[]> messages(boolean extended, String sql) {
    return extended ? List.of(run(sql), sync()) : List.of(query(sql));
  }

  static Message last(List<Message> messages) {
    return messages.get(messages.size() - 1);
  }
}
