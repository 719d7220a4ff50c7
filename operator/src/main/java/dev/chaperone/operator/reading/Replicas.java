package dev.chaperone.operator.reading;

import dev.chaperone.operator.certificates.Certificates;
import dev.chaperone.operator.certificates.ShownCertificate;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.KeyCertOptions;
import io.vertx.core.net.SocketAddress;
import io.vertx.core.net.TrustOptions;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import javax.net.ssl.TrustManagerFactory;

/**
 * The other replicas: each has a store of its own. They know each other by the certificates of the
 * operator's authority, in both directions; nothing that a user has sent goes from one to another
 * but the name of the recording, and where to go on.
 */
final class Replicas {
  private static final int CONNECT_MILLIS = 3_000;
  private static final int IDLE_SECONDS = 30;

  /** What one replica may be told by another one, and a user too. */
  private static final Set<Integer> ANSWERS = Set.of(200, 400, 404, 429, 503);

  private static final Duration MOST = Duration.ofSeconds(55);

  private final Vertx vertx;
  private final ReadingSettings settings;
  private final Supplier<Certificates> certificates;

  Replicas(Vertx vertx, ReadingSettings settings, Supplier<Certificates> certificates) {
    this.vertx = vertx;
    this.settings = settings;
    this.certificates = certificates;
  }

  /** Whether who has shown this is another replica. */
  boolean isReplica(List<X509Certificate> chain) {
    return ClientCertificates.isOf(certificates.get().trusted(), chain)
        && ClientCertificates.isFor(chain.get(0), settings.serverName());
  }

  /**
   * Asks another replica, and hands its answer on while it comes. Waits until that is done.
   *
   * @param context of the answer
   * @param port where all replicas listen
   * @return the status
   * @throws IOException where it did not answer, or not to the end
   */
  int relay(String address, int port, String uri, Context context, HttpServerResponse answer)
      throws IOException, InterruptedException {
    HttpClient client = vertx.createHttpClient(options());
    CompletableFuture<Integer> status = new CompletableFuture<>();
    context.runOnContext(
        v ->
            client
                .request(
                    new RequestOptions()
                        .setMethod(HttpMethod.GET)
                        .setServer(SocketAddress.inetSocketAddress(port, address))
                        .setHost(settings.serverName())
                        .setPort(port)
                        .setSsl(true)
                        .setURI(uri))
                .compose(request -> request.send())
                .compose(response -> handOn(response, answer))
                .onSuccess(status::complete)
                .onFailure(status::completeExceptionally));
    try {
      return status.get(MOST.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause().toString(), e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("not in " + MOST.toSeconds() + " s", e);
    } finally {
      client.close();
    }
  }

  private static Future<Integer> handOn(HttpClientResponse response, HttpServerResponse answer) {
    if (!ANSWERS.contains(response.statusCode())) {
      return Future.failedFuture("status " + response.statusCode());
    }
    answer.setStatusCode(response.statusCode());
    for (String header : List.of("Content-Type", "Retry-After")) {
      String value = response.getHeader(header);
      if (value != null) {
        answer.putHeader(header, value);
      }
    }
    answer.setChunked(true);
    // What was cut off must not look as if it had ended.
    return response.pipe().endOnFailure(false).to(answer).map(done -> response.statusCode());
  }

  private HttpClientOptions options() throws IOException {
    Certificates now = certificates.get();
    return new HttpClientOptions()
        .setSsl(true)
        .setVerifyHost(true)
        .setUseAlpn(false)
        .setEnabledSecureTransportProtocols(Set.of("TLSv1.3"))
        .setKeyCertOptions(KeyCertOptions.wrap(new ShownCertificate(now.identity())))
        .setTrustOptions(TrustOptions.wrap(trust(now.trusted())))
        .setConnectTimeout(CONNECT_MILLIS)
        .setIdleTimeout(IDLE_SECONDS)
        .setIdleTimeoutUnit(TimeUnit.SECONDS)
        .setDecompressionSupported(false)
        .setMaxPoolSize(1);
  }

  private static javax.net.ssl.TrustManager trust(List<X509Certificate> authorities)
      throws IOException {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      for (X509Certificate one : authorities) {
        store.setCertificateEntry(one.getSerialNumber().toString(), one);
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      return factory.getTrustManagers()[0];
    } catch (GeneralSecurityException e) {
      throw new IOException("the operator's authority cannot be used", e);
    }
  }
}
