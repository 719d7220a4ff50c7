package dev.chaperone.operator.objects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.chaperone.operator.objects.BucketException.Reason;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An endpoint that is not what it should be. */
@Timeout(120)
class BucketTest {
  private static final String SECRET = "secret-that-nobody-may-see";

  /** What the endpoint does. */
  private interface Answer {
    void to(HttpExchange exchange) throws IOException;
  }

  @TempDir Path directory;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private HttpServer server;
  private Bucket bucket;
  private volatile Answer answer;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    server.setExecutor(threads);
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            exchange.getRequestBody().readAllBytes();
            answer.to(exchange);
          }
        });
    server.start();
    Files.writeString(directory.resolve("access-key-id"), "access");
    Files.writeString(directory.resolve("secret-access-key"), SECRET);
    bucket = Bucket.open(settings("http://127.0.0.1:" + server.getAddress().getPort()));
  }

  private BucketSettings settings(String endpoint) {
    return new BucketSettings(
        "recordings",
        "",
        Optional.empty(),
        Optional.of(URI.create(endpoint)),
        true,
        Optional.of(directory),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  @AfterEach
  void stop() {
    bucket.close();
    server.stop(0);
    threads.shutdownNow();
  }

  private static void say(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    if (bytes.length > 0) {
      exchange.getResponseBody().write(bytes);
    }
  }

  private static void endless(HttpExchange exchange, int status, String begin) throws IOException {
    exchange.sendResponseHeaders(status, 0);
    exchange.getResponseBody().write(begin.getBytes(StandardCharsets.UTF_8));
    byte[] more = " ".repeat(1 << 16).getBytes(StandardCharsets.UTF_8);
    while (true) {
      exchange.getResponseBody().write(more);
    }
  }

  private static void fails(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(BucketException.class)
        .satisfies(e -> assertThat(e.toString()).doesNotContain(SECRET, "access"));
  }

  @Test
  void answersThatAreNoneAreErrorsOfTheirKind() {
    for (String body :
        new String[] {
          "",
          "garbage",
          "<a>",
          "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
          "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
          "<x>".repeat(200_000),
          list("b", "a"),
          list("other/a", "other/b")
        }) {
      answer = exchange -> say(exchange, 200, body);
      if (!body.isEmpty()) {
        fails(() -> bucket.list(body.contains("other") ? "mine/" : "", ""));
      }
    }
    answer = exchange -> say(exchange, 404, "garbage");
    assertThatThrownBy(() -> bucket.read("a", 0, 10))
        .isInstanceOfSatisfying(
            BucketException.class, e -> assertThat(e.reason()).isEqualTo(Reason.MISSING));
    answer =
        exchange ->
            say(exchange, 403, "<Error><Code>" + SECRET + "</Code><Message>m</Message></Error>");
    assertThatThrownBy(() -> bucket.read("a", 0, 10))
        .isInstanceOfSatisfying(
            BucketException.class,
            e -> {
              assertThat(e.reason()).isEqualTo(Reason.DENIED);
              assertThat(e.getMessage()).doesNotContain(SECRET);
            });
  }

  private static String list(String... keys) {
    StringBuilder all = new StringBuilder("<ListBucketResult><IsTruncated>false</IsTruncated>");
    for (String key : keys) {
      all.append("<Contents><Key>")
          .append(key)
          .append(
              "</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>");
    }
    return all.append("</ListBucketResult>").toString();
  }

  @Test
  void answersWithoutEndAreLeft() {
    answer = exchange -> endless(exchange, 200, "<ListBucketResult>");
    fails(() -> bucket.list("", ""));
    answer = exchange -> endless(exchange, 500, "<Error>");
    fails(() -> bucket.list("", ""));
    answer = exchange -> endless(exchange, 206, "x");
    fails(() -> bucket.read("a", 0, 100));
  }

  @Test
  void anObjectThatIsShorterOrLongerThanItWasListedIsChanged() {
    for (String content : new String[] {"12345", "1234567890123"}) {
      answer = exchange -> say(exchange, 206, content);
      assertThatThrownBy(() -> bucket.read("a", 0, 10))
          .isInstanceOfSatisfying(
              BucketException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CHANGED));
    }
  }

  @Test
  void anUploadThatTheStorageDoesNotHaveAfterwardsDoesNotCount() {
    byte[] content = "content".getBytes(StandardCharsets.UTF_8);
    for (String checksum : new String[] {"AAAA", ""}) {
      answer =
          exchange -> {
            if (!checksum.isEmpty()) {
              exchange.getResponseHeaders().add("x-amz-checksum-sha256", checksum);
            }
            exchange.getResponseHeaders().add("ETag", "\"a\"");
            if (exchange.getRequestMethod().equals("HEAD")) {
              exchange.getResponseHeaders().add("Content-Length", "7");
              exchange.sendResponseHeaders(200, -1);
            } else if (exchange.getRequestMethod().equals("GET")) {
              // No checksum: then the content is asked for.
              say(exchange, 206, "another");
            } else {
              exchange.sendResponseHeaders(200, -1);
            }
          };
      assertThatThrownBy(() -> bucket.put("a", content, Instant.EPOCH))
          .isInstanceOfSatisfying(
              BucketException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CHANGED));
    }
  }

  @Test
  void credentialsThatCannotBeReadAreNamedByTheirFileAtMost() throws IOException {
    Files.delete(directory.resolve("secret-access-key"));
    answer = exchange -> say(exchange, 200, list());
    assertThatThrownBy(() -> bucket.list("", ""))
        .isInstanceOf(BucketException.class)
        .hasMessageContaining("credentials");
  }

  @Test
  void settingsThatCannotBeAreRefused() {
    for (String endpoint :
        new String[] {"ftp://a", "https://user:password@a", "https://a?x=1", "nothing"}) {
      assertThatThrownBy(() -> settings(endpoint)).isInstanceOf(IllegalArgumentException.class);
    }
  }
}
