package dev.chaperone.operator.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.operator.admission.AdmissionReview;
import dev.chaperone.operator.certificates.TestCertificates;
import dev.chaperone.operator.testing.HttpsClients;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The server with a real client; TLS and HTTP as on the wire. */
class AdmissionServerTest {
  private static final TestCertificates CERTIFICATES = new TestCertificates();
  private static final ObjectMapper JSON = new ObjectMapper();
  private static Vertx vertx;

  private final List<String> seen = new CopyOnWriteArrayList<>();
  private final CountDownLatch release = new CountDownLatch(1);
  private final HttpClient client = HttpsClients.client(CERTIFICATES.pem());
  private AdmissionServer server;

  @BeforeAll
  static void start() {
    vertx = Vertx.vertx();
  }

  @AfterAll
  static void stop() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  @AfterEach
  void close() {
    release.countDown();
    if (server != null) {
      server.close();
    }
  }

  private static AdmissionLimits limits(int requests, Duration body, Duration answer) {
    return new AdmissionLimits(
        64, requests, AdmissionReview.MAX_BYTES, 4, body, answer, Duration.ZERO);
  }

  private static final AdmissionLimits PATIENT =
      limits(32, Duration.ofSeconds(60), Duration.ofSeconds(60));

  private int listen(AdmissionLimits limits) throws IOException {
    server =
        AdmissionServer.listen(
            vertx,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            CERTIFICATES.identity(),
            Map.of(
                "/allow", request -> AdmissionAnswer.allowed(),
                "/fail",
                    request -> {
                      throw new IOException("the reason");
                    },
                "/err",
                    request -> {
                      throw new IllegalStateException("inner detail");
                    },
                "/hang", this::hang),
            limits,
            new AdmissionObserver() {
              @Override
              public void answered(
                  String path, AdmissionRequest request, AdmissionAnswer answer, Duration took) {
                seen.add(path + " " + answer.getClass().getSimpleName());
              }

              @Override
              public void turnedAway(String path, int status) {
                seen.add(path + " " + status);
              }
            });
    return server.port();
  }

  private AdmissionAnswer hang(AdmissionRequest request) throws IOException {
    seen.add("hangs");
    try {
      release.await();
      return AdmissionAnswer.allowed();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static String review(String uid) {
    return """
    {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"%s",
     "operation":"CREATE","resource":{"group":"","version":"v1","resource":"pods"},
     "namespace":"support","userInfo":{"username":"alice"},"object":{"kind":"Pod"}}}
    """
        .formatted(uid);
  }

  private HttpResponse<String> post(String path, String body)
      throws IOException, InterruptedException {
    return HttpsClients.post(client, server.port(), path, body);
  }

  private static JsonNode response(HttpResponse<String> answer) throws IOException {
    assertThat(answer.statusCode()).isEqualTo(200);
    return JSON.readTree(answer.body()).path("response");
  }

  @Test
  void aReviewIsAnsweredUnderItsUid() throws Exception {
    listen(PATIENT);
    JsonNode response = response(post("/allow", review("u-1")));
    assertThat(response.path("uid").asText()).isEqualTo("u-1");
    assertThat(response.path("allowed").asBoolean()).isTrue();
    assertThat(seen).containsExactly("/allow Allowed");
  }

  @Test
  void whatCannotBeDecidedIsRefusedAndSaysWhy() throws Exception {
    listen(PATIENT);
    JsonNode response = response(post("/fail", review("u-1")));
    assertThat(response.path("allowed").asBoolean(true)).isFalse();
    assertThat(response.at("/status/message").asText())
        .contains("the reason")
        .contains("try again");
  }

  @Test
  void anErrorOfOursIsARefusalThatShowsNothingOfIt() throws Exception {
    listen(PATIENT);
    JsonNode response = response(post("/err", review("u-1")));
    assertThat(response.path("allowed").asBoolean(true)).isFalse();
    assertThat(response.at("/status/message").asText()).doesNotContain("inner detail");
  }

  @Test
  void whatIsNoReviewIsRefused() throws Exception {
    listen(PATIENT);
    JsonNode response = response(post("/allow", "{}"));
    assertThat(response.path("allowed").asBoolean(true)).isFalse();
    assertThat(response.at("/status/message").asText()).contains("request.uid");
  }

  @Test
  void anUnknownPathAndAnotherMethodAreTurnedAway() throws Exception {
    listen(PATIENT);
    assertThat(post("/other", review("u-1")).statusCode()).isEqualTo(404);
    HttpResponse<String> got =
        client.send(
            HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + server.port() + "/allow"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    assertThat(got.statusCode()).isEqualTo(405);
    assertThat(seen).containsExactly(" 404", "/allow 405");
  }

  @Test
  void theLargestReviewIsReadAndNoLargerOne() throws Exception {
    listen(PATIENT);
    String review = review("u-1");
    assertThat(
            post("/allow", review + " ".repeat(AdmissionReview.MAX_BYTES - review.length()))
                .statusCode())
        .isEqualTo(200);
    try {
      assertThat(post("/allow", " ".repeat(AdmissionReview.MAX_BYTES + 1)).statusCode())
          .isEqualTo(413);
    } catch (IOException e) {
      // The client was still sending when it was sent away.
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(() -> assertThat(seen).contains("/allow 413"));
    }
    assertThat(response(post("/allow", review)).path("allowed").asBoolean()).isTrue();
  }

  @Test
  void aDecisionThatTakesTooLongIsARefusal() throws Exception {
    listen(limits(32, Duration.ofSeconds(60), Duration.ofSeconds(2)));
    JsonNode response = response(post("/hang", review("u-9")));
    assertThat(response.path("uid").asText()).isEqualTo("u-9");
    assertThat(response.path("allowed").asBoolean(true)).isFalse();
    assertThat(response.at("/status/message").asText()).contains("in time");
  }

  @Test
  void moreRequestsThanThereIsRoomForAreTurnedAwayAndTheRestIsAnswered() throws Exception {
    listen(limits(2, Duration.ofSeconds(60), Duration.ofSeconds(60)));
    List<CompletableFuture<HttpResponse<String>>> held = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      held.add(CompletableFuture.supplyAsync(() -> unchecked("/hang")));
    }
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> seen.stream().filter("hangs"::equals).count() == 2);
    assertThat(post("/allow", review("u-1")).statusCode()).isEqualTo(503);
    release.countDown();
    for (CompletableFuture<HttpResponse<String>> one : held) {
      assertThat(response(one.get(60, TimeUnit.SECONDS)).path("allowed").asBoolean()).isTrue();
    }
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> post("/allow", review("u-1")).statusCode() == 200);
  }

  private HttpResponse<String> unchecked(String path) {
    try {
      return post(path, review("u-h"));
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aBodyThatDoesNotComeIsNotWaitedFor() throws Exception {
    int port = listen(limits(1, Duration.ofSeconds(1), Duration.ofSeconds(60)));
    try (Socket socket =
        HttpsClients.trusting(CERTIFICATES.pem())
            .getSocketFactory()
            .createSocket("127.0.0.1", port)) {
      socket.setSoTimeout(60_000);
      OutputStream out = socket.getOutputStream();
      out.write(
          "POST /allow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
              .getBytes(StandardCharsets.US_ASCII));
      out.flush();
      String line = new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
      assertThat(line).isEqualTo("HTTP/1.1 408");
    }
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> post("/allow", review("u-1")).statusCode() == 200);
  }

  @Test
  void withoutTlsThereIsNoAnswer() throws Exception {
    int port = listen(PATIENT);
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(60_000);
      socket
          .getOutputStream()
          .write("POST /allow HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
          .doesNotContain("HTTP/1.1");
    }
  }

  @Test
  void whatIsUnderWayWhenItIsClosedIsAnswered() throws Exception {
    listen(PATIENT);
    CompletableFuture<HttpResponse<String>> held =
        CompletableFuture.supplyAsync(() -> unchecked("/hang"));
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> seen.contains("hangs"));
    CompletableFuture<Void> closed = CompletableFuture.runAsync(server::close);
    // It is closing, and still answers.
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> server.isClosing());
    release.countDown();
    assertThat(response(held.get(60, TimeUnit.SECONDS)).path("allowed").asBoolean()).isTrue();
    closed.get(60, TimeUnit.SECONDS);
    int port = server.port();
    server = null;
    assertThat(refuses(port)).isTrue();
  }

  private static boolean refuses(int port) {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return !socket.isConnected();
    } catch (IOException e) {
      return true;
    }
  }

  @Test
  void anotherCertificateIsShownToNewConnections() throws Exception {
    listen(PATIENT);
    TestCertificates other = new TestCertificates();
    assertThat(post("/allow", review("u-1")).statusCode()).isEqualTo(200);
    server.show(other.identity());
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .ignoreExceptions()
        .until(
            () ->
                HttpsClients.post(
                            HttpsClients.client(other.pem()),
                            server.port(),
                            "/allow",
                            review("u-1"))
                        .statusCode()
                    == 200);
    assertThat(post("/allow", review("u-1")).statusCode())
        .as("the connection that is there goes on")
        .isEqualTo(200);
  }
}
