package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.cString;
import static dev.chaperone.sidecar.testing.WireClient.cancelRequest;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.int16;
import static dev.chaperone.sidecar.testing.WireClient.int32;
import static dev.chaperone.sidecar.testing.WireClient.message;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static dev.chaperone.sidecar.testing.WireClient.terminate;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.approval.ApprovalDecisions;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Operations that wait for a person. */
class ApprovalIT extends ApprovalFixture {
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void waitsWithANoticeThatNamesTheRequestAndRunsOnceApproved(boolean extended) throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(messages(extended, WRITE));
      String request = request();
      List<Message> notice = client.readTo('N');
      assertThat(notice.get(notice.size() - 1).field('M')).contains(request);
      assertThat(notice.get(notice.size() - 1).field('D')).contains("group dba", "until 20");
      assertThat(log()).isEmpty();
      approve(request);
      assertThat(WireClient.texts(client.readToReady())).endsWith("C INSERT 0 1", "Z I");
      assertThat(log()).containsExactly("1 approved");
      awaitPhase(request, ApprovalPhase.USED);
      assertThat(client.exchange(query("SELECT 1"))).endsWith("C SELECT 1", "Z I");
    }
  }

  @Test
  void anApprovedOperationRunsOnceAndNotASecondTime() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      approve(request());
      assertThat(WireClient.texts(client.readToReady())).contains("C INSERT 0 1");
      client.send(query(WRITE));
      String second = request();
      decide(second, "bob", ApprovalVerdict.DENY, "once was enough");
      assertThat(client.readTo('E'))
          .last()
          .extracting(m -> m.field('M'))
          .asString()
          .isEqualTo("denied by bob: once was enough");
      assertThat(WireClient.texts(client.readToReady())).containsExactly("Z I");
      assertThat(log()).containsExactly("1 approved");
    }
  }

  @Test
  void whatAnApproverReadsIsSafeToRead() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(
          query("INSERT /* \u202e hidden */ INTO log VALUES (7, 'a\u202eb\u001b[2J') -- end\n"));
      Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry = read(request());
      assertThat(entry.spec().request().operation().text())
          .isEqualTo("insert into log values (7, 'a\\u{202E}b\\u{1B}[2J')");
      assertThat(entry.spec().request().operation().accesses().get(0).resource())
          .isEqualTo("public.log");
      assertThat(entry.spec().request().policy().rule()).isEqualTo("writes");
      assertThat(entry.spec().request().requester().username())
          .isEqualTo("system:serviceaccount:support:support-agent");
      decide(entry.name(), "alice", ApprovalVerdict.DENY, "no\u001b[2J\u202e way");
      assertThat(client.readTo('E'))
          .last()
          .extracting(m -> m.field('M'))
          .asString()
          .isEqualTo("denied by alice: no\\u{1B}[2J\\u{202E} way");
    }
  }

  @Test
  void passwordsAreNotShown() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(query("ALTER ROLE agent PASSWORD 'hunter2'"));
      String request = request();
      assertThat(Files.readString(gateway.requests().file(request)))
          .doesNotContain("hunter2")
          .contains("'...'");
    }
  }

  @Test
  void parametersAreShownAndAnotherValueIsAnotherRequest() throws Exception {
    String sql = "INSERT INTO log VALUES ($1::int, $2)";
    try (WireClient client = gateway.wire()) {
      client.send(parse("s", sql), bind("", "s", "5", "five"), execute("", 0), sync());
      String first = request();
      assertThat(read(first).spec().request().operation().parameters())
          .extracting(p -> p.value())
          .containsExactly("5", "five");
      approve(first);
      assertThat(WireClient.texts(client.readToReady())).contains("C INSERT 0 1");
      client.send(bind("", "s", "6", "five"), execute("", 0), sync());
      String second = request();
      assertThat(read(second).spec().request().operation().digest())
          .isNotEqualTo(read(first).spec().request().operation().digest());
      approve(second);
      client.readToReady();
      assertThat(log()).containsExactly("5 five", "6 five");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void eachOfManyThatDifferInALiteralIsShownAndApprovedByItself(boolean extended) throws Exception {
    List<WireClient> clients = new ArrayList<>();
    List<String> requests = new ArrayList<>();
    try {
      for (int i = 0; i < 5; i++) {
        WireClient client = gateway.wire();
        clients.add(client);
        client.send(messages(extended, "INSERT INTO log VALUES (" + i + ", 'v" + i + "')"));
        client.readTo('N');
        String request = request();
        requests.add(request);
        assertThat(read(request).spec().request().operation().text())
            .isEqualTo("insert into log values (" + i + ", 'v" + i + "')");
      }
      approve(requests.get(3));
      assertThat(WireClient.texts(clients.get(3).readToReady())).contains("C INSERT 0 1");
      assertThat(log()).containsExactly("3 v3");
      approve(requests.get(0));
      assertThat(WireClient.texts(clients.get(0).readToReady())).contains("C INSERT 0 1");
      assertThat(log()).containsExactly("0 v0", "3 v3");
    } finally {
      clients.forEach(WireClient::close);
    }
    approve(requests.get(1));
    awaitPhase(requests.get(1), ApprovalPhase.APPROVED);
    try (WireClient client = gateway.wire()) {
      client.send(query("INSERT INTO log VALUES (2, 'v1')"));
      client.readTo('N');
      assertThat(requests).doesNotContain(request());
    }
    assertThat(log()).containsExactly("0 v0", "3 v3");
  }

  @Test
  void anApprovalThatComesAfterTheClientLeftIsUsedByTheSameOperationOfAnother() throws Exception {
    String request = abandoned(WRITE);
    assertThat(read(request).status().phase()).isEqualTo(ApprovalPhase.PENDING);
    approve(request);
    awaitPhase(request, ApprovalPhase.APPROVED);
    try (WireClient client = gateway.wire()) {
      assertThat(client.exchange(query(WRITE))).containsExactly("C INSERT 0 1", "Z I");
      awaitPhase(request, ApprovalPhase.USED);
    }
    assertThat(log()).containsExactly("1 approved");
  }

  @Test
  void othersAreNotAffectedWhileOneWaits() throws Exception {
    try (WireClient waiting = gateway.wire();
        WireClient other = gateway.wire()) {
      waiting.send(query(WRITE));
      waiting.readTo('N');
      for (int i = 0; i < 20; i++) {
        assertThat(other.exchange(query("SELECT " + i))).endsWith("C SELECT 1", "Z I");
      }
    }
  }

  @Test
  void whatWasSentBehindComesAfterAndWhatWasSentBeforeIsAnsweredFirst() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(
          query("SELECT 1"),
          parse("", "SELECT 2"),
          bind("", ""),
          execute("", 0),
          sync(),
          query(WRITE),
          query("SELECT count(*) FROM log"));
      assertThat(WireClient.types(client.readTo('N'))).isEqualTo("TDCZ12DCZN");
      approve(request());
      assertThat(WireClient.texts(client.readToReady())).containsExactly("C INSERT 0 1", "Z I");
      assertThat(WireClient.types(client.readToReady())).isEqualTo("TDCZ");
    }
  }

  @Test
  void aCancelRequestEndsTheWaitAndTheRequestStaysOpen() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      client.readTo('N');
      String request = request();
      try (WireClient canceller = WireClient.connect(gateway.port())) {
        canceller.send(cancelRequest(client.processId(), client.secret()));
        assertThat(canceller.isAtEnd()).isTrue();
      }
      assertThat(WireClient.texts(client.readToReady())).containsExactly("E ERROR 57014", "Z I");
      assertThat(read(request).status().phase()).isEqualTo(ApprovalPhase.PENDING);
      approve(request);
      awaitPhase(request, ApprovalPhase.APPROVED);
      assertThat(client.exchange(query(WRITE))).containsExactly("C INSERT 0 1", "Z I");
    }
  }

  @Test
  void terminateIsHeardWhileWaiting() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      client.readTo('N');
      client.send(query("SELECT 1"), terminate());
      assertThat(client.isAtEnd()).isTrue();
      await().until(() -> gateway.clientCount() == 0);
    }
    approve(request());
    assertThat(log()).isEmpty();
  }

  @Test
  void anEditedPolicyEndsTheWaitWithoutRunningAnything() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      client.readTo('N');
      String request = request();
      terms("count: 1, timeout: 14m");
      approve(request);
      Message error = last(client.readTo('E'));
      assertThat(error.field('M')).startsWith("the approval does not hold any more");
      client.readToReady();
      assertThat(log()).isEmpty();
      // And it cannot be used by anybody else either.
      client.send(query(WRITE));
      assertThat(request()).isNotEqualTo(request);
    }
  }

  @Test
  void aRuleThatNowDeniesWinsOverTheApproval() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      client.readTo('N');
      String request = request();
      gateway.policy(GatewayUnderTest.READS_ONLY);
      approve(request);
      assertThat(WireClient.texts(client.readToReady())).containsExactly("E ERROR 42501", "Z I");
      assertThat(log()).isEmpty();
    }
  }

  @Test
  void anApprovalUnderOneSearchPathIsNoneUnderAnother() throws Exception {
    String sql = "INSERT INTO t VALUES (99, 'x')";
    String request = abandoned(sql);
    approve(request);
    awaitPhase(request, ApprovalPhase.APPROVED);
    try (WireClient client = gateway.wire()) {
      client.exchange(query("SET search_path TO a"));
      client.send(query(sql));
      client.readTo('N');
      assertThat(read(request()).spec().request().operation().accesses().get(0).resource())
          .isEqualTo("a.t");
    }
    assertThat(server.query("SELECT count(*) FROM a.t")).containsExactly("1");
  }

  @Test
  void approversHaveToBeEnoughAndDifferentAndAllowed() throws Exception {
    terms(
        "{groups: [dba], users: [zoe, 'system:serviceaccount:ci:pipe'], humansOnly: true}",
        "count: 2");
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      client.readTo('N');
      String request = request();
      decide(request, "mallory", ApprovalVerdict.APPROVE, "");
      decide(request, "system:serviceaccount:support:support-agent", ApprovalVerdict.APPROVE, "");
      decide(request, "system:serviceaccount:ci:pipe", ApprovalVerdict.APPROVE, "");
      decide(request, "alice", ApprovalVerdict.APPROVE, "");
      await()
          .until(
              () ->
                  read(request).status().decisions().size() == 1
                      && read(request).status().conditions().size() == 1);
      assertThat(read(request).status().phase()).isEqualTo(ApprovalPhase.PENDING);
      assertThat(read(request).status().conditions().get(0).message())
          .contains(
              "mallory: is not one of group dba, user",
              "system:serviceaccount:support:support-agent: the requester does not decide",
              "pipe: service accounts do not decide");
      assertThat(log()).isEmpty();
      decide(request, "zoe", ApprovalVerdict.APPROVE, "");
      assertThat(WireClient.texts(client.readToReady())).containsExactly("C INSERT 0 1", "Z I");
    }
  }

  @Test
  void nobodyInTimeIsAnError() throws Exception {
    terms("timeout: 1s");
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      Message error = last(client.readTo('E'));
      assertThat(error.field('M')).isEqualTo("nobody decided in time");
      assertThat(error.field('C')).isEqualTo("42501");
      String request = request();
      awaitPhase(request, ApprovalPhase.EXPIRED);
      assertThatThrownBy(
              () ->
                  ApprovalDecisions.add(
                      gateway.requests(),
                      request,
                      new ApprovalDecision("alice", ApprovalVerdict.APPROVE, null)))
          .hasMessageContaining("not open any more");
    }
  }

  @Test
  void aGrantIsOverAfterItsDuration() throws Exception {
    terms("grant: {duration: 1s}");
    String request = abandoned(WRITE);
    approve(request);
    awaitPhase(request, ApprovalPhase.EXPIRED);
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      client.readTo('N');
      assertThat(request()).isNotEqualTo(request);
    }
    assertThat(log()).isEmpty();
  }

  @Test
  void withScopeSessionOneApprovalCoversTheRuleAndDenyStillWins() throws Exception {
    terms("grant: {scope: Session, duration: 1m}");
    try (WireClient client = gateway.wire();
        WireClient other = gateway.wire()) {
      client.send(query(WRITE));
      approve(request());
      assertThat(WireClient.texts(client.readToReady())).contains("C INSERT 0 1");
      assertThat(client.exchange(query("INSERT INTO log VALUES (2, 'b')")))
          .containsExactly("C INSERT 0 1", "Z I");
      assertThat(other.exchange(query("DELETE FROM log WHERE n = 1")))
          .containsExactly("C DELETE 1", "Z I");
      assertThat(other.exchange(query("INSERT INTO denied VALUES (1)")))
          .containsExactly("E ERROR 42501", "Z I");
      assertThat(gateway.requests().names()).hasSize(1);
    }
  }

  @Test
  void withScopeSessionItIsOverWithItsDuration() throws Exception {
    terms("grant: {scope: Session, duration: 2s}");
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      String request = request();
      approve(request);
      client.readToReady();
      awaitPhase(request, ApprovalPhase.EXPIRED);
      client.send(query(WRITE));
      assertThat(request()).isNotEqualTo(request);
    }
  }

  @Test
  void inATransactionThatHasNotWrittenItWaits() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.exchange(query("BEGIN"));
      client.exchange(query("SELECT * FROM t"));
      client.send(query(WRITE));
      client.readTo('N');
      approve(request());
      assertThat(WireClient.texts(client.readToReady())).containsExactly("C INSERT 0 1", "Z T");
      client.send(query("INSERT INTO log VALUES (2, 'second')"));
      String second = request();
      Message error = last(client.readTo('E'));
      assertThat(error.field('M')).contains("its transaction has already written");
      assertThat(error.field('D')).contains(second);
      assertThat(WireClient.texts(client.readToReady())).containsExactly("Z E");
      assertThat(client.exchange(query("ROLLBACK"))).containsExactly("C ROLLBACK", "Z I");
      assertThat(log()).isEmpty();
      approve(second);
      awaitPhase(second, ApprovalPhase.APPROVED);
      assertThat(client.exchange(query("INSERT INTO log VALUES (2, 'second')")))
          .containsExactly("C INSERT 0 1", "Z I");
    }
  }

  @Test
  void aGroupOfMessagesThatHasWrittenIsATransactionThatHas() throws Exception {
    gateway.policy(
        """
          rules:
          - {name: logs, effects: [Write], resources: [public.log], action: Allow}
          - {name: reads, effects: [Read], action: Allow}
          - name: writes
            effects: [Write]
            action: RequireApproval
            approval: {approvers: {groups: [dba]}}
        """);
    try (WireClient client = gateway.wire()) {
      client.send(run(WRITE), run("DELETE FROM t"), sync());
      assertThat(last(client.readTo('E')).field('M')).contains("has already written");
      assertThat(WireClient.texts(client.readToReady())).containsExactly("Z I");
      assertThat(log()).isEmpty();
      assertThat(server.query("SELECT count(*) FROM t")).containsExactly("5");
      // What was written and committed before does not count.
      client.exchange(query(WRITE));
      client.send(query("DELETE FROM t WHERE id = 1"));
      client.readTo('N');
    }
  }

  @Test
  void whereTheRuleSaysRefuseNothingWaitsInATransaction() throws Exception {
    terms("inTransaction: Refuse");
    try (WireClient client = gateway.wire()) {
      client.exchange(query("BEGIN"));
      assertThat(client.exchange(query(WRITE))).containsExactly("E ERROR 42501", "Z E");
      assertThat(gateway.requests().names()).isEmpty();
      client.exchange(query("ROLLBACK"));
      client.send(query(WRITE));
      approve(request());
      assertThat(WireClient.texts(client.readToReady())).contains("C INSERT 0 1");
    }
  }

  @Test
  void inAFailedTransactionNothingIsAsked() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.exchange(query("BEGIN"));
      client.exchange(query("SELECT 1/0"));
      assertThat(client.exchange(query(WRITE))).containsExactly("E ERROR 25P02", "Z E");
      assertThat(gateway.requests().names()).isEmpty();
    }
  }

  @Test
  void anEditedOrDeletedRequestIsNone() throws Exception {
    for (String edit : List.of("public.log", "")) {
      try (WireClient client = gateway.wire()) {
        client.send(query(WRITE));
        client.readTo('N');
        String request = request();
        Path file = gateway.requests().file(request);
        if (edit.isEmpty()) {
          Files.delete(file);
        } else {
          Files.writeString(file, Files.readString(file).replace(edit, "public.harmless"));
        }
        assertThat(last(client.readTo('E')).field('M')).startsWith("the request was cancelled");
        client.readToReady();
      }
    }
    assertThat(log()).isEmpty();
  }

  @Test
  void aDecisionWrittenByHandCounts() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      client.readTo('N');
      Path file = gateway.requests().file(request());
      Files.writeString(
          file,
          Files.readString(file)
              .replace(
                  "  decisions: []\nstatus",
                  "  decisions:\n  - {by: bob, verdict: Approve}\nstatus"));
      assertThat(WireClient.texts(client.readToReady())).containsExactly("C INSERT 0 1", "Z I");
    }
  }

  @Test
  void whatIsTooLongForAPersonIsRefused() throws IOException {
    try (WireClient client = gateway.wire()) {
      String sql = "INSERT INTO log VALUES (1, '" + "x".repeat(HeldOperations.MAX_BYTES) + "')";
      assertThat(client.exchange(query(sql))).containsExactly("E ERROR 42501", "Z I");
      client.send(run("INSERT INTO log SELECT 1, 'ok' FROM t WHERE v = 'x'"), sync());
      assertThat(client.readTo('N')).isNotEmpty();
    }
  }

  @Test
  void theEndOfTheSessionCancelsWhatItAskedFor() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      client.readTo('N');
      String request = request();
      assertThat(gateway.drain(Duration.ofSeconds(10))).isTrue();
      assertThat(last(client.readTo('E')).field('C')).isEqualTo("57P01");
      gateway.end();
      assertThat(read(request).status().phase()).isEqualTo(ApprovalPhase.CANCELLED);
    }
  }

  @Test
  void anApprovalForOneTypeOfParameterIsNoneForAnother() throws Exception {
    String sql = "INSERT INTO log SELECT 1, $1::text FROM t WHERE id = 1";
    String request;
    try (WireClient client = gateway.wire()) {
      client.send(parse("s", sql), bind("", "s", "7"), execute("", 0), sync());
      client.readTo('N');
      request = request();
    }
    approve(request);
    awaitPhase(request, ApprovalPhase.APPROVED);
    try (WireClient client = gateway.wire()) {
      client.send(
          message('P', cString("s"), cString(sql), int16(1), int32(23)),
          bind("", "s", "7"),
          execute("", 0),
          sync());
      client.readTo('N');
      assertThat(request()).isNotEqualTo(request);
    }
    assertThat(log()).isEmpty();
  }

  @Test
  void anApprovalUnderOneRoleIsNoneUnderAnother() throws Exception {
    server.execute("DROP ROLE IF EXISTS deputy", "CREATE ROLE deputy", "GRANT deputy TO agent");
    gateway.policy(
        """
          rules:
          - {name: roles, effects: [Privilege], commands: ["SET"], action: Allow}
          - {name: reads, effects: [Read], action: Allow}
          - name: writes
            effects: [Write]
            action: RequireApproval
            approval: {approvers: {groups: [dba]}}
        """);
    String request = abandoned(WRITE);
    approve(request);
    awaitPhase(request, ApprovalPhase.APPROVED);
    try (WireClient client = gateway.wire()) {
      assertThat(client.exchange(query("SET ROLE deputy"))).contains("C SET");
      client.send(query(WRITE));
      client.readTo('N');
      assertThat(request()).isNotEqualTo(request);
    }
    assertThat(log()).isEmpty();
  }

  @Test
  void executeOfAPreparedStatementShowsWhatItRuns() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.send(query("PREPARE p(int) AS INSERT INTO log VALUES ($1, 'prepared')"));
      approve(request());
      assertThat(WireClient.texts(client.readToReady())).contains("C PREPARE");
      client.send(query("EXECUTE p(3)"));
      String request = request();
      assertThat(read(request).spec().request().operation().text())
          .isEqualTo("execute p(3) /* insert into log values ($1, 'prepared') */");
      approve(request);
      assertThat(WireClient.texts(client.readToReady())).contains("C INSERT 0 1");
    }
  }

  @Test
  void aDriverWaitsAsForASlowStatement() throws Exception {
    try (Connection connection = gateway.connect();
        PreparedStatement insert = connection.prepareStatement("INSERT INTO log VALUES (?, ?)")) {
      insert.setInt(1, 42);
      insert.setString(2, "jdbc");
      CompletableFuture<Integer> done =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return insert.executeUpdate();
                } catch (java.sql.SQLException e) {
                  throw new IllegalStateException(e);
                }
              });
      String request = request();
      assertThat(read(request).spec().request().operation().parameters())
          .extracting(p -> p.type() + " " + p.value())
          .containsExactly("integer 42", "character varying jdbc");
      approve(request);
      assertThat(done.get()).isEqualTo(1);
      assertThat(insert.getWarnings().getMessage()).contains(request);
      try (Statement statement = connection.createStatement()) {
        assertThat(statement.executeQuery("SELECT 1").next()).isTrue();
      }
    }
  }
}
