package dev.chaperone.operator.webhook;

import dev.chaperone.operator.certificates.ShownCertificate;
import dev.chaperone.operator.channel.ServerIdentity;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.KeyCertOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The HTTPS server of the webhooks. Reads on event loops and decides on threads of its own; what is
 * too much is turned away at once, and the API server then does what the failure policy says.
 */
public final class AdmissionServer implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(AdmissionServer.class.getName());
  private static final int IDLE_SECONDS = 90;
  private static final int HANDSHAKE_SECONDS = 10;
  private static final int LONGEST_LINE = 2 * 1024;
  private static final int LONGEST_HEADERS = 16 * 1024;
  private static final Duration START = Duration.ofSeconds(10);

  private final Vertx vertx;
  private final ShownCertificate certificate;
  private final Map<String, AdmissionHandler> handlers;
  private final AdmissionLimits limits;
  private final AdmissionObserver observer;
  private final AtomicInteger connections = new AtomicInteger();
  private final Semaphore requests;
  private final Semaphore bytes;
  private final ThreadPoolExecutor threads;
  private HttpServer server;
  private volatile boolean closing;

  private AdmissionServer(
      Vertx vertx,
      ServerIdentity identity,
      Map<String, AdmissionHandler> handlers,
      AdmissionLimits limits,
      AdmissionObserver observer) {
    this.vertx = vertx;
    this.certificate = new ShownCertificate(identity);
    this.handlers = Map.copyOf(handlers);
    this.limits = limits;
    this.observer = observer;
    this.requests = new Semaphore(limits.requests());
    this.bytes = new Semaphore(limits.bytes());
    AtomicInteger number = new AtomicInteger();
    this.threads =
        new ThreadPoolExecutor(
            limits.threads(),
            limits.threads(),
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(limits.requests()),
            task -> {
              Thread thread = new Thread(task, "admission-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * Opens one.
   *
   * @param handlers by path
   * @throws IOException where it cannot listen
   */
  public static AdmissionServer listen(
      Vertx vertx,
      InetSocketAddress address,
      ServerIdentity identity,
      Map<String, AdmissionHandler> handlers,
      AdmissionLimits limits,
      AdmissionObserver observer)
      throws IOException {
    AdmissionServer server = new AdmissionServer(vertx, identity, handlers, limits, observer);
    HttpServerOptions options =
        new HttpServerOptions()
            .setSsl(true)
            .setUseAlpn(false)
            .setEnabledSecureTransportProtocols(Set.of("TLSv1.2", "TLSv1.3"))
            .setSslHandshakeTimeout(HANDSHAKE_SECONDS)
            .setSslHandshakeTimeoutUnit(TimeUnit.SECONDS)
            .setIdleTimeout(IDLE_SECONDS)
            .setIdleTimeoutUnit(TimeUnit.SECONDS)
            .setMaxInitialLineLength(LONGEST_LINE)
            .setMaxHeaderSize(LONGEST_HEADERS)
            .setKeyCertOptions(KeyCertOptions.wrap(server.certificate));
    server.server =
        vertx
            .createHttpServer(options)
            .connectionHandler(server::connected)
            .exceptionHandler(
                e -> LOGGER.log(System.Logger.Level.DEBUG, "connection lost: {0}", e.toString()))
            .requestHandler(server::received);
    try {
      wait(server.server.listen(address.getPort(), address.getAddress().getHostAddress()), START);
    } catch (IOException e) {
      server.threads.shutdownNow();
      throw new IOException(address + " cannot be listened on: " + e.getMessage(), e);
    }
    return server;
  }

  private static <T> T wait(Future<T> future, Duration most) throws IOException {
    try {
      return future
          .toCompletionStage()
          .toCompletableFuture()
          .get(most.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause().toString(), e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("not in " + most, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Shows another certificate from now on; connections that are there keep theirs. */
  public void show(ServerIdentity identity) {
    certificate.show(identity);
  }

  /** Where it listens. */
  public int port() {
    return server.actualPort();
  }

  private void connected(HttpConnection connection) {
    if (connections.incrementAndGet() > limits.connections()) {
      connection.close();
    }
    connection.closeHandler(closed -> connections.decrementAndGet());
  }

  private void received(HttpServerRequest request) {
    AdmissionHandler handler = handlers.get(request.path());
    if (handler == null) {
      turnAway(request, "", 404);
    } else if (!HttpMethod.POST.equals(request.method())) {
      turnAway(request, request.path(), 405);
    } else if (!requests.tryAcquire()) {
      turnAway(request, request.path(), 503);
    } else {
      new AdmissionExchange(this, request, handler).begin();
    }
  }

  private void turnAway(HttpServerRequest request, String path, int status) {
    observer.turnedAway(path, status);
    // The body is not read: the connection has no further use.
    request.response().setStatusCode(status).putHeader("Connection", "close").end();
    request.connection().close();
  }

  Vertx vertx() {
    return vertx;
  }

  AdmissionLimits limits() {
    return limits;
  }

  AdmissionObserver observer() {
    return observer;
  }

  /** Room for parts of bodies. */
  Semaphore bytes() {
    return bytes;
  }

  /** Decides, where there is a thread for it. */
  void decide(Runnable task) {
    threads.execute(task);
  }

  void over() {
    requests.release();
  }

  boolean isClosing() {
    return closing;
  }

  /**
   * Goes on answering for a while, because the API server does not know at once that it is closed;
   * then answers what is under way, and ends.
   */
  @Override
  public void close() {
    closing = true;
    try {
      Thread.sleep(limits.linger().toMillis());
      long most = limits.answer().toMillis();
      if (!requests.tryAcquire(limits.requests(), most, TimeUnit.MILLISECONDS)) {
        LOGGER.log(System.Logger.Level.WARNING, "requests are left without an answer");
      }
      wait(server.close(), START);
    } catch (IOException e) {
      LOGGER.log(
          System.Logger.Level.WARNING, "the webhook server did not end: {0}", e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      server.close();
    } finally {
      threads.shutdownNow();
    }
  }
}
