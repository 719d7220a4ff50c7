package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.query;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.SessionReader;
import dev.chaperone.sidecar.gateway.SessionActivity;
import dev.chaperone.sidecar.testing.WireClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a session asked for and did not get is not given once it is over. */
class SessionEndIT extends ApprovalFixture {

  private String held(WireClient client) throws IOException {
    client.send(query(WRITE));
    client.readTo('N');
    return request();
  }

  /** A request whose client has left. */
  private String left() throws IOException {
    String request;
    try (WireClient client = gateway.wire()) {
      request = held(client);
    }
    await().until(() -> gateway.clientCount() == 0);
    return request;
  }

  private void isCancelled(String request, String reason) {
    await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(
            () -> assertThat(read(request).status().phase()).isEqualTo(ApprovalPhase.CANCELLED));
    assertThat(read(request).status().conditions())
        .extracting(condition -> condition.type() + ": " + condition.message())
        .containsExactly("Cancelled: " + reason);
    assertThatThrownBy(() -> approve(request)).hasMessageContaining("not open any more");
    assertThat(log()).isEmpty();
  }

  private static List<String> cancelled(Path recording) throws Exception {
    List<String> cancelled = new ArrayList<>();
    try (SessionReader reader = new SessionReader(recording)) {
      for (var event = reader.next(); event.isPresent(); event = reader.next()) {
        if (event.get().event() instanceof Event.ApprovalCancelled one) {
          cancelled.add(one.request() + ": " + one.reason());
        }
      }
    }
    return cancelled;
  }

  private void edit(String file, String from, String to) throws IOException {
    Path path = gateway.directory().resolve(file);
    String text = Files.readString(path);
    assertThat(text).contains(from);
    Files.writeString(path, text.replace(from, to));
    gateway.apply();
  }

  @Test
  void revokeCancelsWhatIsHeld() throws Exception {
    Path recording = gateway.recording();
    try (WireClient client = gateway.wire()) {
      String request = held(client);
      gateway.connection().revoke();
      // The statement may be answered first: its request was cancelled.
      assertThat(last(client.readToEnd()).field('M'))
          .isEqualTo("terminating connection: the session was revoked");
      isCancelled(request, "the session was revoked");
      await()
          .atMost(Duration.ofSeconds(5))
          .untilAsserted(
              () ->
                  assertThat(cancelled(recording))
                      .containsExactly(request + ": the session was revoked"));
    }
  }

  @Test
  void revokeCancelsWhatNobodyWaitsFor() throws Exception {
    String request = left();
    gateway.connection().revoke();
    isCancelled(request, "the session was revoked");
  }

  @Test
  void revokeCancelsWhatWasApprovedAndNotUsed() throws Exception {
    String request = left();
    approve(request);
    awaitPhase(request, ApprovalPhase.APPROVED);
    gateway.connection().revoke();
    isCancelled(request, "the session was revoked");
  }

  @Test
  void suspendedCancelsWhatIsHeldAndGoesOnWithoutIt() throws Exception {
    String request;
    try (WireClient client = gateway.wire()) {
      request = held(client);
      edit("connection.yaml", "spec:\n", "spec:\n  suspended: true\n");
      assertThat(last(client.readToEnd()).field('M'))
          .isEqualTo("terminating connection: the connection is suspended");
    }
    isCancelled(request, "the connection is suspended");
    edit("connection.yaml", "  suspended: true\n", "");
    try (WireClient client = gateway.wire()) {
      assertThat(held(client)).isNotEqualTo(request);
    }
  }

  @Test
  void suspendedEndsAnApprovalForTheSession() throws Exception {
    terms("grant: {scope: Session, duration: 10m}");
    String request;
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      request = request();
      approve(request);
      assertThat(WireClient.texts(client.readToReady())).contains("C INSERT 0 1");
      edit("connection.yaml", "spec:\n", "spec:\n  suspended: true\n");
      client.readToEnd();
    }
    awaitPhase(request, ApprovalPhase.CANCELLED);
    edit("connection.yaml", "  suspended: true\n", "");
    try (WireClient client = gateway.wire()) {
      assertThat(held(client)).isNotEqualTo(request);
    }
    assertThat(log()).hasSize(1);
  }

  @Test
  void anotherTargetCancelsWhatIsHeld() throws Exception {
    try (WireClient client = gateway.wire()) {
      String request = held(client);
      edit("connection.yaml", "host: 127.0.0.1", "host: localhost");
      assertThat(last(client.readToEnd()).field('M')).contains("connect again");
      isCancelled(request, "the connection's configuration was changed; connect again");
    }
  }

  @Test
  void anotherTargetEndsAnApprovalForTheSession() throws Exception {
    terms("grant: {scope: Session, duration: 10m}");
    String request;
    try (WireClient client = gateway.wire()) {
      client.send(query(WRITE));
      request = request();
      approve(request);
      assertThat(WireClient.texts(client.readToReady())).contains("C INSERT 0 1");
      edit("connection.yaml", "host: 127.0.0.1", "host: localhost");
      client.readToEnd();
    }
    try (WireClient client = gateway.wire()) {
      assertThat(held(client)).isNotEqualTo(request);
    }
    awaitPhase(request, ApprovalPhase.CANCELLED);
    assertThat(log()).hasSize(1);
  }

  @Test
  void theNextSessionCountsFromNothing() throws Exception {
    try (WireClient client = gateway.wire()) {
      client.exchange(query("SELECT 1"));
      client.exchange(query("SELECT * FROM denied"));
    }
    assertThat(gateway.connection().activity().allowed()).isPositive();
    assertThat(gateway.connection().activity().denied()).isEqualTo(1);
    String port = portOf(Files.readString(gateway.directory().resolve("connection.yaml")));
    edit("connection.yaml", port, "port: " + (Integer.parseInt(port.substring(6)) + 1));
    assertThat(gateway.connection().activity()).isEqualTo(new SessionActivity(0, 0, 0));
  }

  @Test
  void aConnectionThatIsRemovedCancelsAndItsRecordingSaysSo() throws Exception {
    Path recording = gateway.recording();
    String request = left();
    String port = portOf(Files.readString(gateway.directory().resolve("connection.yaml")));
    edit("connection.yaml", port, "port: " + (Integer.parseInt(port.substring(6)) + 1));
    assertThat(gateway.recording()).isNotEqualTo(recording);
    isCancelled(request, "the connection was removed from the configuration");
    assertThat(cancelled(recording))
        .containsExactly(request + ": the connection was removed from the configuration");
  }

  private static String portOf(String connection) {
    int listen = connection.indexOf("listen: {") + "listen: {".length();
    return connection.substring(listen, connection.indexOf('}', listen));
  }

  @Test
  void aPolicyThatIsRemovedCancelsWhatItAskedAbout() throws Exception {
    try (WireClient client = gateway.wire()) {
      String request = held(client);
      edit("policy.yaml", "name: support-agents", "name: other-agents");
      assertThat(last(client.readTo('E')).field('M'))
          .isEqualTo("the request was cancelled: the policy that asked for it was removed");
      assertThat(WireClient.texts(client.readToReady())).containsExactly("Z I");
      isCancelled(request, "the policy that asked for it was removed");
      assertThat(held(client)).isNotEqualTo(request);
    }
  }

  @Test
  void whatIsInForceOtherwiseCancelsNothing() throws Exception {
    try (WireClient client = gateway.wire()) {
      String request = held(client);
      gateway.recordingSettings("{durability: Sync}");
      gateway.apply();
      approve(request);
      assertThat(WireClient.texts(client.readToReady())).containsExactly("C INSERT 0 1", "Z I");
    }
  }
}
