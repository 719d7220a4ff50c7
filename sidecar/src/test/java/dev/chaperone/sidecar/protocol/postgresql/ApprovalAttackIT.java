package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.cancelRequest;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.approval.ApprovalDecisions;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client, a target and whoever writes the request's file may try while one waits. */
@Tag("long")
class ApprovalAttackIT extends ApprovalFixture {
  private static final String APPROVED_BY_ALICE =
      "  decisions:\n  - {by: alice, verdict: Approve}\nstatus";

  private String held(WireClient client, String sql) throws IOException {
    client.send(query(sql));
    client.readTo('N');
    return request();
  }

  private static void sendByteByByte(WireClient client, byte[] bytes) throws IOException {
    for (byte one : bytes) {
      client.send(new byte[] {one});
    }
  }

  // ---- the client

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatComesByteByByteIsOneRequestAndRunsOnce(boolean extended) throws Exception {
    byte[] operation =
        extended
            ? join(
                parse("s", "INSERT INTO log VALUES ($1::int, $2)"),
                bind("p", "s", "1", "approved"),
                execute("p", 0),
                sync())
            : query(WRITE);
    try (WireClient client = gateway.wire()) {
      sendByteByByte(client, operation);
      client.readTo('N');
      String request = request();
      // What comes behind comes byte by byte too, and each byte has the framer look again.
      sendByteByByte(client, join(query("SELECT count(*) FROM log"), query(WRITE)));
      approve(request);
      assertThat(WireClient.texts(client.readToReady())).endsWith("C INSERT 0 1", "Z I");
      List<Message> count = client.readToReady();
      assertThat(new String(count.get(1).body(), 6, 1, StandardCharsets.UTF_8)).isEqualTo("1");
      client.readTo('N');
      String second = request();
      assertThat(read(second).status().phase()).isEqualTo(ApprovalPhase.PENDING);
      awaitPhase(request, ApprovalPhase.USED);
    }
    assertThat(log()).containsExactly("1 approved");
  }

  @Test
  void aMegabyteBehindAHeldStatementIsAnsweredInOrder() throws Exception {
    int count = (1 << 20) / query("SELECT 10000").length;
    try (WireClient client = gateway.wire()) {
      String request = held(client, WRITE);
      byte[][] pipeline = new byte[count][];
      for (int i = 0; i < count; i++) {
        pipeline[i] = query("SELECT " + (10_000 + i));
      }
      CompletableFuture<Void> sent = sending(client, pipeline, new AtomicInteger());
      approve(request);
      assertThat(WireClient.texts(client.readToReady())).containsExactly("C INSERT 0 1", "Z I");
      for (int i = 0; i < count; i++) {
        assertThat(number(client.readToReady())).isEqualTo(10_000 + i);
      }
      sent.get(10, TimeUnit.SECONDS);
    }
    assertThat(log()).containsExactly("1 approved");
  }

  @Test
  void aClientThatSendsAheadWithoutEndIsNotReadWhileItWaits() throws Exception {
    String padding = "/*" + "x".repeat(32 << 10) + "*/ SELECT ";
    byte[][] pipeline = new byte[1_024][];
    for (int i = 0; i < pipeline.length; i++) {
      pipeline[i] = query(padding + i);
    }
    try (WireClient client = gateway.wire();
        WireClient other = gateway.wire()) {
      String request = held(client, WRITE);
      AtomicInteger messages = new AtomicInteger();
      CompletableFuture<Void> sent = sending(client, pipeline, messages);
      int before;
      do {
        before = messages.get();
        Thread.sleep(1_000);
      } while (messages.get() > before);
      // What the kernel's buffers take, and 256 KiB of the gateway's: far from all of it.
      assertThat(messages.get()).isLessThan(pipeline.length / 2);
      assertThat(sent).isNotDone();
      assertThat(other.exchange(query("SELECT 1"))).endsWith("C SELECT 1", "Z I");
      approve(request);
      assertThat(WireClient.texts(client.readToReady())).containsExactly("C INSERT 0 1", "Z I");
      for (int i = 0; i < pipeline.length; i++) {
        assertThat(number(client.readToReady())).isEqualTo(i);
      }
      sent.get(10, TimeUnit.SECONDS);
    }
  }

  private static CompletableFuture<Void> sending(
      WireClient client, byte[][] messages, AtomicInteger sent) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            for (byte[] message : messages) {
              client.send(message);
              sent.incrementAndGet();
            }
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  /** The only value of the only row. */
  private static int number(List<Message> answer) {
    assertThat(WireClient.types(answer)).isEqualTo("TDCZ");
    byte[] row = answer.stream().filter(m -> m.type() == 'D').findFirst().orElseThrow().body();
    return Integer.parseInt(new String(row, 6, row.length - 6, StandardCharsets.UTF_8));
  }

  @Test
  void ofApprovalAndCancelOneWins() throws Exception {
    Map<String, Integer> outcomes = new HashMap<>();
    try (WireClient client = gateway.wire()) {
      for (int i = 0; i < 60; i++) {
        String request = held(client, "INSERT INTO log VALUES (" + i + ", 'raced')");
        int delay = i % 20;
        CompletableFuture<Void> cancel =
            CompletableFuture.runAsync(() -> cancel(client, delay * 1_000_000L));
        approve(request);
        List<String> answer = WireClient.texts(client.readToReady());
        cancel.get(20, TimeUnit.SECONDS);
        List<String> rows = server.query("SELECT who FROM log WHERE n = " + i);
        outcomes.merge(answer.get(0), 1, Integer::sum);
        if (answer.equals(List.of("C INSERT 0 1", "Z I"))) {
          assertThat(rows).containsExactly("raced");
          awaitPhase(request, ApprovalPhase.USED);
        } else {
          assertThat(answer).containsExactly("E ERROR 57014", "Z I");
          assertThat(rows).isEmpty();
        }
      }
      assertThat(client.exchange(query("SELECT 1"))).endsWith("C SELECT 1", "Z I");
    }
    System.out.println("approval and cancel at once: " + outcomes);
  }

  private static void cancel(WireClient client, long nanos) {
    long until = System.nanoTime() + nanos;
    while (System.nanoTime() < until) {
      Thread.onSpinWait();
    }
    try (WireClient canceller = WireClient.connect(client.port())) {
      canceller.send(cancelRequest(client.processId(), client.secret()));
      assertThat(canceller.isAtEnd()).isTrue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- time

  @Test
  void approvedAtTheInstantOfExpiryItIsOneOfBoth() throws Exception {
    terms("timeout: 1s");
    Map<String, Integer> outcomes = new HashMap<>();
    for (int round = 0; round < 12; round++) {
      try (WireClient client = gateway.wire()) {
        String sql = "INSERT INTO log VALUES (" + round + ", 'late')";
        client.send(query(sql));
        client.readTo('N');
        String request = request();
        long expires = Instant.parse(read(request).spec().request().expiresAt()).toEpochMilli();
        long at = expires + ThreadLocalRandom.current().nextInt(-25, 15);
        Thread.sleep(Math.max(0, at - System.currentTimeMillis()));
        try {
          ApprovalDecisions.add(
              gateway.requests(),
              request,
              new ApprovalDecision("alice", ApprovalVerdict.APPROVE, null));
        } catch (ApprovalDecisions.NotDecidable e) {
          assertThat(e).hasMessageContaining("not open any more");
        }
        List<String> answer = WireClient.texts(client.readToReady());
        outcomes.merge(answer.get(0), 1, Integer::sum);
        List<String> rows = server.query("SELECT who FROM log WHERE n = " + round);
        if (answer.equals(List.of("C INSERT 0 1", "Z I"))) {
          assertThat(rows).containsExactly("late");
          awaitPhase(request, ApprovalPhase.USED);
        } else {
          assertThat(answer).containsExactly("E ERROR 42501", "Z I");
          assertThat(rows).isEmpty();
          awaitPhase(request, ApprovalPhase.EXPIRED);
        }
      }
    }
    System.out.println("approval and expiry at once: " + outcomes);
  }

  @Test
  void inATransactionTheWaitHasALimitAndTheRequestOutlastsIt() throws Exception {
    terms("inTransaction: Hold");
    try (WireClient client = gateway.wire()) {
      client.exchange(query("BEGIN"));
      long begin = System.nanoTime();
      String request = held(client, WRITE);
      client.send(query("SELECT 1"));
      Message error = last(client.readTo('E'));
      long seconds = Duration.ofNanos(System.nanoTime() - begin).toSeconds();
      assertThat(seconds).isBetween(29L, 40L);
      assertThat(error.field('M')).contains("not decided within 30 seconds");
      assertThat(error.field('D')).contains("Request " + request + " stays open.");
      assertThat(WireClient.texts(client.readToReady())).containsExactly("Z E");
      // What was sent behind comes in the failed transaction.
      assertThat(WireClient.texts(client.readToReady())).containsExactly("E ERROR 25P02", "Z E");
      approve(request);
      awaitPhase(request, ApprovalPhase.APPROVED);
      assertThat(client.exchange(query("ROLLBACK"))).containsExactly("C ROLLBACK", "Z I");
      assertThat(log()).isEmpty();
      assertThat(client.exchange(query(WRITE))).containsExactly("C INSERT 0 1", "Z I");
      awaitPhase(request, ApprovalPhase.USED);
    }
    assertThat(log()).containsExactly("1 approved");
  }

  // ---- the target

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whereTheTargetIsGoneTheClientIsToldAndTheGrantIsNotUsed(boolean extended) throws Exception {
    String request;
    try (WireClient client = gateway.wire()) {
      client.send(extended ? join(run(WRITE), sync()) : query(WRITE));
      client.readTo('N');
      request = request();
      server.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
              + " WHERE usename = 'agent' AND application_name <> 'chaperone'");
      Message error = last(client.readTo('E'));
      assertThat(error.field('S')).isEqualTo("FATAL");
      assertThat(error.field('C')).isIn("57P01", "08006");
      assertThat(client.isAtEnd()).isTrue();
      await().until(() -> gateway.clientCount() == 0);
    }
    assertThat(read(request).status().phase()).isEqualTo(ApprovalPhase.PENDING);
    approve(request);
    awaitPhase(request, ApprovalPhase.APPROVED);
    assertThat(log()).isEmpty();
    try (WireClient client = gateway.wire()) {
      client.send(extended ? join(run(WRITE), sync()) : query(WRITE));
      assertThat(WireClient.texts(client.readToReady())).endsWith("C INSERT 0 1", "Z I");
      awaitPhase(request, ApprovalPhase.USED);
    }
    assertThat(log()).containsExactly("1 approved");
  }

  @Test
  void whereTheTargetGoesAsItIsApprovedTheGrantIsGoodForNoMoreThanOneUse() throws Exception {
    for (int i = 0; i < 20; i++) {
      String sql = "INSERT INTO log VALUES (" + i + ", 'cut')";
      String request;
      try (WireClient client = gateway.wire()) {
        request = held(client, sql);
        CompletableFuture<Void> cut =
            CompletableFuture.runAsync(
                () ->
                    server.query(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                            + " WHERE usename = 'agent' AND application_name <> 'chaperone'"));
        approve(request);
        client.readToEnd();
        cut.get(20, TimeUnit.SECONDS);
      }
      awaitDecided(request);
      long rows = server.query("SELECT 1 FROM log WHERE n = " + i).size();
      if (read(request).status().phase() == ApprovalPhase.APPROVED) {
        assertThat(rows).isZero();
      } else {
        assertThat(read(request).status().phase()).isEqualTo(ApprovalPhase.USED);
        assertThat(rows).isBetween(0L, 1L);
      }
    }
  }

  private void awaitDecided(String request) {
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> read(request).status().phase() != ApprovalPhase.PENDING);
  }

  // ---- whoever writes files

  @Test
  void aRequestThatWasEditedApprovesNothing() throws Exception {
    terms("count: 2");
    Map<String, UnaryOperator<String>> edits = new LinkedHashMap<>();
    edits.put("text", yaml -> yaml.replaceFirst("text: .*", "text: select 1"));
    edits.put(
        "digest", yaml -> yaml.replaceFirst("digest: .*", "digest: sha256:" + "0".repeat(64)));
    edits.put("count", yaml -> yaml.replaceFirst("count: 2", "count: 1"));
    edits.put("session", yaml -> yaml.replaceFirst("session: .*", "session: another"));
    edits.put("rule", yaml -> yaml.replaceFirst("rule: writes", "rule: reads"));
    edits.put("groups", yaml -> yaml.replaceFirst("- dba", "- everybody"));
    edits.put(
        "expiresAt",
        yaml -> yaml.replaceFirst("expiresAt: .*", "expiresAt: '2099-01-01T00:00:00Z'"));
    for (Map.Entry<String, UnaryOperator<String>> edit : edits.entrySet()) {
      try (WireClient client = gateway.wire()) {
        String request = held(client, WRITE);
        Path file = gateway.requests().file(request);
        String yaml = Files.readString(file);
        String edited = edit.getValue().apply(yaml);
        assertThat(edited).as(edit.getKey()).isNotEqualTo(yaml);
        replace(
            file,
            edited.replace(
                "  decisions: []\nstatus",
                "  decisions:\n  - {by: alice, verdict: Approve}\n"
                    + "  - {by: bob, verdict: Approve}\nstatus"));
        assertThat(last(client.readTo('E')).field('M'))
            .as(edit.getKey())
            .isEqualTo(
                "the request was cancelled: the request was edited; only its decisions may be");
        awaitPhase(request, ApprovalPhase.CANCELLED);
      }
    }
    assertThat(log()).isEmpty();
  }

  /** As a command does: whole, in one step. */
  private static void replace(Path file, String text) throws IOException {
    Path temporary = Files.createTempFile(file.getParent(), ".edited", ".tmp");
    Files.writeString(temporary, text);
    Files.move(
        temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void anEditedStatusApprovesNothing() throws Exception {
    try (WireClient client = gateway.wire()) {
      String request = held(client, WRITE);
      Path file = gateway.requests().file(request);
      for (String phase : List.of("Approved", "Used", "Denied")) {
        replace(file, Files.readString(file).replaceFirst("phase: .*", "phase: " + phase));
        Thread.sleep(300);
        assertThat(log()).isEmpty();
      }
      // And it takes nothing away from those who decide.
      replace(file, Files.readString(file).replaceFirst("phase: .*", "phase: Pending"));
      approve(request);
      assertThat(WireClient.texts(client.readToReady())).containsExactly("C INSERT 0 1", "Z I");
    }
  }

  @Test
  void oneApproverInManySpellingsIsOneApprover() throws Exception {
    terms("count: 2");
    try (WireClient client = gateway.wire()) {
      String request = held(client, WRITE);
      Path file = gateway.requests().file(request);
      replace(
          file,
          Files.readString(file)
              .replace(
                  "  decisions: []\nstatus",
                  """
                    decisions:
                    - {by: alice, verdict: Approve}
                    - {by: Alice, verdict: Approve}
                    - {by: "alice ", verdict: Approve}
                    - {by: "alice\\u200b", verdict: Approve}
                  status"""));
      await().until(() -> !read(request).status().decisions().isEmpty());
      assertThat(read(request).status().decisions()).hasSize(1);
      assertThat(read(request).status().phase()).isEqualTo(ApprovalPhase.PENDING);
      assertThat(log()).isEmpty();
      decide(request, "bob", ApprovalVerdict.APPROVE, "");
      assertThat(WireClient.texts(client.readToReady())).containsExactly("C INSERT 0 1", "Z I");
    }
  }

  @Test
  void anApprovedRequestUnderAnotherNameApprovesNothing() throws Exception {
    try (WireClient client = gateway.wire();
        WireClient other = gateway.wire()) {
      String harmless = held(client, "INSERT INTO log VALUES (5, 'harmless')");
      String harmful = held(other, "DELETE FROM t");
      String approved =
          Files.readString(gateway.requests().file(harmless))
              .replace("  decisions: []\nstatus", APPROVED_BY_ALICE);
      // To a name that nobody asked under.
      replace(
          gateway.requests().file("orders-db-aaaaaa"),
          approved.replace("name: " + harmless, "name: orders-db-aaaaaa"));
      // As it is: the name within is not the file's.
      replace(gateway.requests().file(harmful), approved);
      Thread.sleep(1_500);
      assertThat(server.query("SELECT count(*) FROM t")).containsExactly("5");
      // And with the name put right.
      replace(
          gateway.requests().file(harmful),
          approved.replace("name: " + harmless, "name: " + harmful));
      assertThat(last(other.readTo('E')).field('M'))
          .isEqualTo(
              "the request was cancelled: the request was edited; only its decisions may be");
      assertThat(log()).isEmpty();
      approve(harmless);
      assertThat(WireClient.texts(client.readToReady())).containsExactly("C INSERT 0 1", "Z I");
    }
    assertThat(server.query("SELECT count(*) FROM t")).containsExactly("5");
    assertThat(log()).containsExactly("5 harmless");
  }

  @Test
  void aFileThatCannotBeReadApprovesNothingUntilItCan() throws Exception {
    try (WireClient client = gateway.wire()) {
      String request = held(client, WRITE);
      Path file = gateway.requests().file(request);
      String yaml = Files.readString(file);
      List<String> broken = new ArrayList<>();
      broken.add("");
      broken.add("{{{");
      broken.add(yaml + "---\n" + yaml);
      broken.add(yaml.replace("  decisions: []\nstatus", "  decisions: yes\nstatus"));
      broken.add(
          yaml.replace(
              "  decisions: []\nstatus", "  decisions:\n  - {by: alice, verdict: Maybe}\nstatus"));
      broken.add("x".repeat(8 << 20));
      for (String text : broken) {
        replace(file, text);
        Thread.sleep(100);
      }
      assertThat(log()).isEmpty();
      replace(file, yaml.replace("  decisions: []\nstatus", APPROVED_BY_ALICE));
      assertThat(WireClient.texts(client.readToReady())).containsExactly("C INSERT 0 1", "Z I");
    }
  }

  @Test
  void twoGatewaysAreNotMixedUp() throws Exception {
    try (GatewayUnderTest second = GatewayUnderTest.start(server)) {
      Files.copy(
          gateway.directory().resolve("policy.yaml"),
          second.directory().resolve("policy.yaml"),
          StandardCopyOption.REPLACE_EXISTING);
      second.apply();
      try (WireClient one = gateway.wire();
          WireClient two = second.wire()) {
        String first = held(one, WRITE);
        two.send(query(WRITE));
        two.readTo('N');
        String other = second.requests().names().iterator().next();
        assertThat(second.requests().names()).hasSize(1);
        assertThat(second.status()).isNotEqualTo(gateway.status());
        // The first one's approved request in the second one's directory, under either name.
        String approved =
            Files.readString(gateway.requests().file(first))
                .replace("  decisions: []\nstatus", APPROVED_BY_ALICE);
        replace(second.requests().file(first), approved);
        approve(first);
        assertThat(WireClient.texts(one.readToReady())).containsExactly("C INSERT 0 1", "Z I");
        Thread.sleep(500);
        assertThat(second.requests().read(other).orElseThrow().status().phase())
            .isEqualTo(ApprovalPhase.PENDING);
        replace(
            second.requests().file(other), approved.replace("name: " + first, "name: " + other));
        assertThat(last(two.readTo('E')).field('M')).contains("the request was edited");
      }
    }
    assertThat(log()).containsExactly("1 approved");
  }
}
