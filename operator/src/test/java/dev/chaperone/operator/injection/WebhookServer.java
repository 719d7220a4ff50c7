package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.operator.admission.AdmissionReview;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * Both webhooks, and one of somebody else, over TLS on the loopback interface, for an API server on
 * the same machine.
 */
final class WebhookServer implements AutoCloseable {
  /** Decides about one request. */
  interface Webhook {
    AdmissionAnswer answer(
        PodAdmission admission, AdmissionRequest request, List<AgentConnection> connections);
  }

  private final HttpsServer server;
  private final ExecutorService threads = Executors.newFixedThreadPool(4);
  private final String authority;
  private volatile Basis basis = new Basis(new PodAdmission(Examples.settings(false)), List.of());

  private record Basis(PodAdmission admission, List<AgentConnection> connections) {}

  WebhookServer() throws IOException, GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(256);
    KeyPair keys = generator.generateKeyPair();
    X509Certificate certificate = certificate(keys);
    StringWriter pem = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(pem)) {
      writer.writeObject(certificate);
    }
    authority = Base64.getEncoder().encodeToString(pem.toString().getBytes(StandardCharsets.UTF_8));
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
    server.setHttpsConfigurator(new HttpsConfigurator(context(keys.getPrivate(), certificate)));
    server.setExecutor(threads);
    server.createContext("/mutate", exchange -> serve(exchange, PodAdmission::mutate));
    server.createContext("/validate", exchange -> serve(exchange, PodAdmission::validate));
    server.createContext("/mesh", exchange -> serve(exchange, (a, request, c) -> mesh(request)));
    server.start();
  }

  /** What other people's webhooks do: put a container in front, and one at the end. */
  private static AdmissionAnswer mesh(AdmissionRequest request) {
    if (!request.object().at("/metadata/annotations/mesh").isTextual()) {
      return AdmissionAnswer.allowed();
    }
    ArrayNode patch = Examples.JSON.createArrayNode();
    patch
        .addObject()
        .put("op", "add")
        .put("path", "/spec/initContainers/0")
        .putObject("value")
        .put("name", "mesh-init")
        .put("image", "mesh:1");
    patch
        .addObject()
        .put("op", "add")
        .put("path", "/spec/containers/-")
        .putObject("value")
        .put("name", "mesh")
        .put("image", "mesh:1");
    return new AdmissionAnswer.Patched(patch, List.of());
  }

  private static X509Certificate certificate(KeyPair keys) throws GeneralSecurityException {
    X500Name name = new X500Name("CN=webhook");
    Instant now = Instant.now();
    try {
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              name,
              BigInteger.ONE,
              Date.from(now.minus(1, ChronoUnit.HOURS)),
              Date.from(now.plus(1, ChronoUnit.DAYS)),
              name,
              keys.getPublic());
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(new GeneralName(GeneralName.iPAddress, "127.0.0.1")));
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(
                  new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate())));
    } catch (IOException | OperatorCreationException e) {
      throw new GeneralSecurityException(e);
    }
  }

  private static SSLContext context(PrivateKey key, X509Certificate certificate)
      throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("webhook", key, new char[0], new X509Certificate[] {certificate});
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(store, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    return context;
  }

  private void serve(HttpExchange exchange, Webhook webhook) {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readNBytes(AdmissionReview.MAX_BYTES + 1);
      AdmissionReview.Reading reading = AdmissionReview.read(body);
      byte[] answer;
      if (reading instanceof AdmissionReview.Reading.Understood understood) {
        AdmissionRequest request = understood.request();
        Basis now = basis;
        answer =
            AdmissionReview.write(
                request.uid(), webhook.answer(now.admission(), request, now.connections()));
      } else {
        AdmissionReview.Reading.Malformed malformed = (AdmissionReview.Reading.Malformed) reading;
        answer = AdmissionReview.write(malformed.uid(), malformed.answer());
      }
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(200, answer.length);
      exchange.getResponseBody().write(answer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What the next requests are decided by. */
  void decideBy(InjectionSettings settings, List<AgentConnection> connections) {
    basis = new Basis(new PodAdmission(settings), connections);
  }

  String url(String path) {
    return "https://127.0.0.1:" + server.getAddress().getPort() + path;
  }

  /** The certificate it is known by, as a webhook configuration wants it. */
  String authority() {
    return authority;
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
