package dev.chaperone.operator.reading;

import dev.chaperone.operator.access.AccessReviews;
import dev.chaperone.operator.certificates.Certificates;
import dev.chaperone.operator.certificates.ShownCertificate;
import dev.chaperone.operator.channel.ServerIdentity;
import dev.chaperone.operator.store.RecordingStore;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.http.ClientAuth;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.KeyCertOptions;
import io.vertx.core.net.TrustOptions;
import java.io.IOException;
import java.net.Socket;
import java.security.cert.X509Certificate;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * The HTTPS server behind the API server's aggregation layer, and of the other replicas. Requests
 * are worked on by threads that may wait, of which there are a few.
 */
public final class ReadingServer implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(ReadingServer.class.getName());
  private static final int IDLE_SECONDS = 90;
  private static final int HANDSHAKE_SECONDS = 10;
  private static final int LONGEST_LINE = 2 * 1024;

  /** Groups and whatever else is known of a user. */
  private static final int LONGEST_HEADERS = 64 * 1024;

  /** Beside downloads: discovery, and what is there of a recording. */
  private static final int OTHER_THREADS = 8;

  private static final int MOST_WAITING = 64;
  private static final long START_SECONDS = 10;

  private final Vertx vertx;
  private final ShownCertificate certificate;
  private final FrontProxy frontProxy;
  private final RecordingReading reading;
  private final ReadingSettings settings;
  private final ReadingMetrics metrics;
  private final AtomicInteger connections = new AtomicInteger();
  private final Semaphore downloads;
  private final Semaphore downloadsOfReplicas;
  private final ThreadPoolExecutor threads;
  private HttpServer server;

  private ReadingServer(
      Vertx vertx,
      KubernetesClient client,
      KubernetesClient questions,
      AccessReviews reviews,
      RecordingStore store,
      Supplier<Certificates> certificates,
      ReadingSettings settings,
      MeterRegistry registry) {
    this.vertx = vertx;
    this.settings = settings;
    this.metrics = new ReadingMetrics(registry);
    this.certificate = new ShownCertificate(certificates.get().identity());
    this.frontProxy = FrontProxy.start(client);
    this.reading =
        new RecordingReading(
            reviews,
            new RecordingLocations(questions, settings.namespace()),
            store,
            new Replicas(vertx, settings, certificates),
            settings);
    downloads = new Semaphore(settings.limits().downloads());
    downloadsOfReplicas = new Semaphore(settings.limits().downloads());
    int most = 2 * settings.limits().downloads() + OTHER_THREADS;
    AtomicInteger number = new AtomicInteger();
    threads =
        new ThreadPoolExecutor(
            most,
            most,
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MOST_WAITING),
            task -> {
              Thread thread = new Thread(task, "reading-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * Opens one.
   *
   * @param client to look at what the API server says of itself
   * @param questions with a deadline for its requests
   * @param reviews say who may read
   * @param store stays the caller's to close, after this
   * @param certificates of the operator, as they are
   * @throws IOException where it cannot listen
   */
  public static ReadingServer listen(
      Vertx vertx,
      KubernetesClient client,
      KubernetesClient questions,
      AccessReviews reviews,
      RecordingStore store,
      Supplier<Certificates> certificates,
      ReadingSettings settings,
      MeterRegistry registry)
      throws IOException {
    ReadingServer server =
        new ReadingServer(
            vertx, client, questions, reviews, store, certificates, settings, registry);
    try {
      server.open();
      return server;
    } catch (IOException e) {
      server.close();
      throw e;
    }
  }

  private void open() throws IOException {
    HttpServerOptions options =
        new HttpServerOptions()
            // Its metrics are told apart from those of other servers by that.
            .setPort(settings.port())
            .setSsl(true)
            .setUseAlpn(false)
            .setEnabledSecureTransportProtocols(Set.of("TLSv1.2", "TLSv1.3"))
            .setSslHandshakeTimeout(HANDSHAKE_SECONDS)
            .setSslHandshakeTimeoutUnit(TimeUnit.SECONDS)
            .setIdleTimeout(IDLE_SECONDS)
            .setIdleTimeoutUnit(TimeUnit.SECONDS)
            .setMaxInitialLineLength(LONGEST_LINE)
            .setMaxHeaderSize(LONGEST_HEADERS)
            .setKeyCertOptions(KeyCertOptions.wrap(certificate))
            .setClientAuth(ClientAuth.REQUEST)
            .setTrustOptions(TrustOptions.wrap(new AnyCertificate()));
    server =
        vertx
            .createHttpServer(options)
            .connectionHandler(this::connected)
            .exceptionHandler(
                e -> LOGGER.log(System.Logger.Level.DEBUG, "connection lost: {0}", e.toString()))
            .requestHandler(this::received);
    try {
      server
          .listen(settings.port(), settings.host())
          .toCompletionStage()
          .toCompletableFuture()
          .get(START_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException(
          settings.host() + ":" + settings.port() + " cannot be listened on: " + e, e);
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
    if (connections.incrementAndGet() > settings.limits().connections()) {
      connection.close();
    }
    connection.closeHandler(closed -> connections.decrementAndGet());
  }

  private void received(HttpServerRequest request) {
    ReadingExchange exchange = new ReadingExchange(vertx, request, settings.limits(), metrics);
    if (request.headers().contains("Transfer-Encoding")
        || !"0".equals(request.headers().getAll("Content-Length").stream().findAny().orElse("0"))) {
      exchange.refuse(ApiException.badRequest("there is nothing to be sent here"));
      return;
    }
    try {
      threads.execute(() -> exchange.run(this::answer));
    } catch (RejectedExecutionException e) {
      exchange.refuse(ApiException.tooMany());
    }
  }

  /** On a thread that may wait. */
  private void answer(ReadingExchange exchange)
      throws ApiException, IOException, InterruptedException {
    RecordingRequest asked = exchange.asked();
    boolean ofReplica =
        asked instanceof RecordingRequest.Metadata metadata
            ? metadata.ofReplica()
            : asked instanceof RecordingRequest.Files files && files.ofReplica();
    if (ofReplica) {
      exchange.identify("replica");
      if (!reading.isReplica(exchange.certificates())) {
        throw ApiException.unauthorized();
      }
    } else {
      var user =
          frontProxy
              .authenticate(exchange.certificates(), exchange.headers())
              .orElseThrow(ApiException::unauthorized);
      exchange.identify(user.name());
      reading.authorize(user, asked);
    }
    Semaphore turns = ofReplica ? downloadsOfReplicas : downloads;
    boolean waits = asked instanceof RecordingRequest.Files;
    if (waits && !turns.tryAcquire()) {
      throw ApiException.tooMany();
    }
    try {
      reading.answer(exchange, ofReplica, port());
    } finally {
      if (waits) {
        turns.release();
      }
    }
  }

  /** Ends; downloads that are under way are cut off, and go on at another replica. */
  @Override
  public void close() {
    frontProxy.close();
    threads.shutdownNow();
    if (server != null) {
      server.close();
    }
  }

  /**
   * Lets every certificate through the handshake, in which a client proves only that it has its
   * key. Who vouches for it is asked at each request: so authorities that change count at once, and
   * who is not believed is told so.
   */
  private static final class AnyCertificate extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {
      // Asked at each request.
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {
      // Asked at each request.
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {
      // Asked at each request.
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {
      throw new UnsupportedOperationException("this is a server");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {
      throw new UnsupportedOperationException("this is a server");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {
      throw new UnsupportedOperationException("this is a server");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
