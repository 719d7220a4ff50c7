package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.access.KubernetesAccessReviews;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.operator.certificates.CertificateService;
import dev.chaperone.operator.certificates.CertificateSettings;
import dev.chaperone.operator.webhook.AdmissionLimits;
import dev.chaperone.operator.webhook.AdmissionServer;
import dev.chaperone.operator.webhook.PodWebhook;
import dev.chaperone.operator.webhook.QuietInjections;
import dev.chaperone.operator.webhook.QuietObserver;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The operator's own webhook server with certificates of its own authority, for an API server on
 * the same machine. Connections and settings are those of an example, which the API server might
 * not let be stored; and there is a webhook of somebody else beside it.
 */
final class WebhookServer implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private record Basis(InjectionSettings settings, List<AgentConnection> connections) {}

  private final Vertx vertx = Vertx.vertx();
  private final ExecutorService threads = Executors.newFixedThreadPool(4);
  private final CertificateService certificates;
  private final AdmissionServer server;
  private volatile Basis basis = new Basis(Examples.settings(false), List.of());

  /**
   * Opens it.
   *
   * @param namespace where its authority is kept
   * @param configurations the name of the webhook configurations that get its authority
   */
  WebhookServer(KubernetesClient client, String namespace, String configurations)
      throws IOException, InterruptedException {
    certificates =
        CertificateService.start(
            client,
            namespace,
            configurations,
            Optional.empty(),
            CertificateSettings.standard(List.of("127.0.0.1")));
    certificates.await(PATIENCE);
    PodWebhook pods =
        new PodWebhook(
            () -> basis.settings(),
            asked -> basis.connections(),
            new KubernetesAccessReviews(client),
            threads,
            new QuietInjections());
    server =
        AdmissionServer.listen(
            vertx,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            certificates.identity(),
            Map.of(
                "/mutate", pods::mutate,
                "/validate", pods::validate,
                "/mesh", WebhookServer::mesh),
            new AdmissionLimits(64, 32, 16 << 20, 4, PATIENCE, PATIENCE, Duration.ZERO),
            new QuietObserver());
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

  /** What the next requests are decided by. */
  void decideBy(InjectionSettings settings, List<AgentConnection> connections) {
    basis = new Basis(settings, connections);
  }

  String url(String path) {
    return "https://127.0.0.1:" + server.port() + path;
  }

  /** Whom to believe, as a webhook configuration wants it. */
  String authority() {
    return Base64.getEncoder()
        .encodeToString(
            certificates.certificates().orElseThrow().bundle().getBytes(StandardCharsets.US_ASCII));
  }

  @Override
  public void close() {
    server.close();
    certificates.close();
    threads.shutdownNow();
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }
}
