package dev.chaperone.operator.reading;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.policy.VisibleText;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/**
 * One request on its way to its answer, on a thread that may wait. The answer is written by the
 * event loop of its connection, one piece after the other; a reader that takes none for too long is
 * left.
 */
final class ReadingExchange implements RecordingStream.Reader {
  private static final System.Logger LOGGER = System.getLogger(ReadingExchange.class.getName());

  /** Works on one. */
  interface Work {
    void on(ReadingExchange exchange) throws ApiException, IOException, InterruptedException;
  }

  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final Context context;
  private final ReadingSettings.Limits limits;
  private final ReadingMetrics metrics;
  private final List<X509Certificate> certificates;
  private volatile boolean gone;
  private RecordingRequest asked;
  private String user = "";
  private boolean begun;

  /** On the event loop of its connection. */
  ReadingExchange(
      Vertx vertx,
      HttpServerRequest request,
      ReadingSettings.Limits limits,
      ReadingMetrics metrics) {
    this.request = request;
    this.response = request.response();
    this.context = vertx.getOrCreateContext();
    this.limits = limits;
    this.metrics = metrics;
    this.certificates = shown(request.connection().sslSession());
    response.closeHandler(closed -> gone = true);
    response.exceptionHandler(e -> gone = true);
  }

  private static List<X509Certificate> shown(SSLSession session) {
    List<X509Certificate> chain = new ArrayList<>();
    try {
      for (Certificate one : session.getPeerCertificates()) {
        if (one instanceof X509Certificate certificate) {
          chain.add(certificate);
        }
      }
    } catch (SSLPeerUnverifiedException e) {
      return List.of();
    }
    return chain;
  }

  /** What the client has shown, and proved the key of. */
  List<X509Certificate> certificates() {
    return certificates;
  }

  MultiMap headers() {
    return request.headers();
  }

  RecordingRequest asked() {
    return asked;
  }

  Context context() {
    return context;
  }

  HttpServerResponse response() {
    return response;
  }

  /** Whom the log names. */
  void identify(String name) {
    user = name;
  }

  /** Works on it, and says what became of it. */
  void run(Work work) {
    try {
      asked = RecordingRequest.read(request.method().name(), request.path(), request.query());
      work.on(this);
    } catch (ApiException e) {
      refuse(e);
    } catch (IOException e) {
      LOGGER.log(System.Logger.Level.WARNING, "a recording was not read: {0}", e.getMessage());
      fail();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      fail();
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.ERROR, "a recording was not read", e);
      fail();
    }
  }

  private void fail() {
    if (begun) {
      // It must not look as if it were whole.
      context.runOnContext(v -> request.connection().close());
      said(500, 0);
    } else {
      refuse(ApiException.unavailable("the operator could not read it; its log says why"));
    }
  }

  /** Answers that it is refused. */
  void refuse(ApiException refusal) {
    if (begun) {
      context.runOnContext(v -> request.connection().close());
    } else {
      begun = true;
      context.runOnContext(
          v -> {
            if (refusal.code() == 429) {
              response.putHeader("Retry-After", "5");
            }
            response
                .setStatusCode(refusal.code())
                .putHeader("Content-Type", "application/json")
                .end(refusal.status().toString())
                .onComplete(
                    ended -> {
                      if (refusal.code() == 400) {
                        // There may be a body that was not read.
                        request.connection().close();
                      }
                    });
          });
    }
    said(refusal.code(), 0);
  }

  /** Answers with an object. */
  void answer(ObjectNode object) throws IOException, InterruptedException {
    begun = true;
    await(
        () ->
            response
                .putHeader("Content-Type", "application/json")
                .end(Buffer.buffer(object.toString())));
    said(200, 0);
  }

  /** Begins an answer of which nobody knows how long it gets. */
  void begin() {
    begun = true;
    context.runOnContext(
        v -> response.putHeader("Content-Type", "application/octet-stream").setChunked(true));
  }

  /** Somebody else begins it. */
  void handOver() {
    begun = true;
  }

  @Override
  public void take(Buffer buffer) throws IOException, InterruptedException {
    await(() -> response.write(buffer));
  }

  void end(long bytes) throws IOException, InterruptedException {
    await(response::end);
    said(200, bytes);
  }

  @Override
  public boolean isGone() {
    return gone;
  }

  private void await(Supplier<Future<Void>> step) throws IOException, InterruptedException {
    if (gone) {
      throw new IOException("the reader is gone");
    }
    CompletableFuture<Void> done = new CompletableFuture<>();
    context.runOnContext(
        v -> step.get().onSuccess(done::complete).onFailure(done::completeExceptionally));
    try {
      done.get(limits.patience().toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException("the reader is gone", e);
    } catch (TimeoutException e) {
      throw new IOException("the reader takes nothing", e);
    }
  }

  /** For the audit log and the metrics: who has read what, and nothing of it. */
  void said(int code, long bytes) {
    String resource = resource();
    metrics.answered(resource, code);
    metrics.sent(bytes);
    boolean looksAround = asked == null && code == 404;
    if (looksAround || (asked instanceof RecordingRequest.Discovery && code == 200)) {
      // The API server does so every now and then.
      return;
    }
    LOGGER.log(
        System.Logger.Level.INFO,
        "recording asked for user=\"{0}\" resource={1} session={2} code={3} bytes={4}",
        VisibleText.of(user),
        resource,
        session(),
        Integer.toString(code),
        Long.toString(bytes));
  }

  private String resource() {
    if (asked instanceof RecordingRequest.Files) {
      return "files";
    }
    if (asked instanceof RecordingRequest.Metadata) {
      return "recording";
    }
    return asked == null ? "none" : "discovery";
  }

  private String session() {
    if (asked instanceof RecordingRequest.Files files) {
      return files.name().toString();
    }
    return asked instanceof RecordingRequest.Metadata metadata ? metadata.name().toString() : "";
  }
}
