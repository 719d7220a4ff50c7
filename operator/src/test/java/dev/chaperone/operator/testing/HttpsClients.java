package dev.chaperone.operator.testing;

import dev.chaperone.operator.certificates.ShownCertificate;
import dev.chaperone.operator.channel.ServerIdentity;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** Clients that trust what they are told to, and nothing else. */
public final class HttpsClients {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private HttpsClients() {}

  /** What a client trusts that trusts these certificates, in PEM. */
  public static SSLContext trusting(String pem) {
    return showing(pem, Optional.empty());
  }

  /** The same for a client that shows a certificate of its own, or none. */
  public static SSLContext showing(String pem, Optional<ServerIdentity> shown) {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      int number = 0;
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509")
              .generateCertificates(
                  new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)))) {
        store.setCertificateEntry("trusted-" + number++, certificate);
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          shown.map(identity -> new KeyManager[] {new ShownCertificate(identity)}).orElse(null),
          factory.getTrustManagers(),
          null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A client without connections yet; each one makes its own. */
  public static HttpClient client(String pem) {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .sslContext(trusting(pem))
        .connectTimeout(PATIENCE)
        .build();
  }

  /** Sends a body to a server on the loopback interface. */
  public static HttpResponse<String> post(HttpClient client, int port, String path, String body)
      throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + port + path))
            .timeout(PATIENCE)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /**
   * Sends an empty object over a connection of its own, to a server on the loopback interface.
   *
   * @return the HTTP status
   */
  public static String status(int port, String pem, String path) throws IOException {
    try (SSLSocket socket =
        (SSLSocket) trusting(pem).getSocketFactory().createSocket("127.0.0.1", port)) {
      socket.setSoTimeout((int) PATIENCE.toMillis());
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      socket.setSSLParameters(parameters);
      socket
          .getOutputStream()
          .write(
              ("POST "
                      + path
                      + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                      + "Content-Length: 2\r\n\r\n{}")
                  .getBytes(StandardCharsets.US_ASCII));
      String answer =
          new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      return answer.startsWith("HTTP/1.1 ") ? answer.substring(9, 12) : answer;
    }
  }
}
