package dev.chaperone.operator.program;

import dev.chaperone.operator.access.AccessReviews;
import dev.chaperone.operator.access.KubernetesAccessReviews;
import dev.chaperone.operator.access.RecentAccessReviews;
import dev.chaperone.operator.certificates.CertificateService;
import dev.chaperone.operator.certificates.Certificates;
import dev.chaperone.operator.channel.Authenticator;
import dev.chaperone.operator.channel.ChannelServer;
import dev.chaperone.operator.channel.ChannelSettings;
import dev.chaperone.operator.channel.ConfigMapKeyBindings;
import dev.chaperone.operator.channel.KubernetesPodLookup;
import dev.chaperone.operator.channel.KubernetesTokenReviewer;
import dev.chaperone.operator.channel.SidecarListener;
import dev.chaperone.operator.injection.GatewayNames;
import dev.chaperone.operator.injection.InjectionSettings;
import dev.chaperone.operator.reading.ReadingServer;
import dev.chaperone.operator.reading.ReadingSettings;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.webhook.AdmissionHandler;
import dev.chaperone.operator.webhook.AdmissionMetrics;
import dev.chaperone.operator.webhook.AdmissionServer;
import dev.chaperone.operator.webhook.ApprovalWebhook;
import dev.chaperone.operator.webhook.ConnectionSource;
import dev.chaperone.operator.webhook.InjectionEvents;
import dev.chaperone.operator.webhook.KubernetesConnections;
import dev.chaperone.operator.webhook.PodWebhook;
import dev.chaperone.operator.webhook.ResourceWebhook;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/**
 * What every replica runs: certificates, then the webhooks with them, then the channel to the
 * sidecars where there is somebody to hear them.
 */
public final class OperatorServer implements AutoCloseable {
  /** Where new pods are asked about. */
  public static final String MUTATE_PODS = "/admission/pods/mutate";

  /** Where pods that are about to be stored are asked about. */
  public static final String VALIDATE_PODS = "/admission/pods/validate";

  /** Where connections and policies are asked about. */
  public static final String VALIDATE_RESOURCES = "/admission/resources/validate";

  /** Where decisions about approval requests are asked about. */
  public static final String MUTATE_APPROVALS = "/admission/approvals/mutate";

  /** What the API server may take for a question of ours. */
  private static final Duration QUESTION = Duration.ofSeconds(3);

  /** For how long a webhook believes what the API server said of permissions. */
  private static final Duration PERMISSIONS_RECENT = Duration.ofSeconds(5);

  private static final Duration CERTIFICATES = Duration.ofSeconds(60);
  private static final int ASKING_THREADS = 8;
  private static final int MOST_ASKED = 512;

  private final OperatorSettings settings;
  private final KubernetesClient questions;
  private final ThreadPoolExecutor asking;
  private final CertificateService certificates;
  private final InjectionEvents events;
  private AdmissionServer webhooks;
  private ChannelServer channel;
  private ReadingServer reading;

  private OperatorServer(KubernetesClient client, OperatorSettings settings) {
    this.settings = settings;
    Config config =
        new ConfigBuilder(client.getConfiguration())
            .withConnectionTimeout((int) QUESTION.toMillis())
            .withRequestTimeout((int) QUESTION.toMillis())
            .withRequestRetryBackoffLimit(0)
            .build();
    questions = new KubernetesClientBuilder().withConfig(config).build();
    AtomicInteger number = new AtomicInteger();
    asking =
        new ThreadPoolExecutor(
            ASKING_THREADS,
            ASKING_THREADS,
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MOST_ASKED),
            task -> {
              Thread thread = new Thread(task, "access-review-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    asking.allowCoreThreadTimeOut(true);
    certificates =
        CertificateService.start(
            client,
            settings.namespace(),
            settings.webhookConfiguration(),
            settings.reading().map(reading -> ReadingSettings.API_SERVICE),
            settings.certificates());
    events = InjectionEvents.start(client, settings.pod());
  }

  /**
   * Starts it all.
   *
   * @param client stays the caller's to close
   * @param listener who hears the sidecars; without one they cannot connect
   * @param store where recordings are read; stays the caller's to close, after this
   * @throws IOException where something cannot be started; then nothing is left running
   */
  public static OperatorServer start(
      Vertx vertx,
      KubernetesClient client,
      OperatorSettings settings,
      MeterRegistry metrics,
      Optional<SidecarListener> listener,
      Optional<RecordingStore> store)
      throws IOException, InterruptedException {
    OperatorServer server = new OperatorServer(client, settings);
    try {
      server.certificates.await(CERTIFICATES);
      server.measure(metrics);
      server.openWebhooks(vertx, metrics);
      if (listener.isPresent()) {
        server.openChannel(client, listener.get());
      }
      if (settings.reading().isPresent() && store.isPresent()) {
        server.openReading(vertx, client, store.get(), metrics);
      }
      return server;
    } catch (IOException | InterruptedException | RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private void openWebhooks(Vertx vertx, MeterRegistry registry) throws IOException {
    ConnectionSource connections = new KubernetesConnections(questions);
    AccessReviews reviews = new KubernetesAccessReviews(questions);
    AdmissionMetrics metrics = new AdmissionMetrics(registry);
    PodWebhook pods =
        new PodWebhook(
            this::sidecar,
            connections,
            new RecentAccessReviews(reviews, PERMISSIONS_RECENT, System::nanoTime),
            asking,
            metrics.counting(events));
    Map<String, AdmissionHandler> handlers =
        Map.of(
            MUTATE_PODS,
            pods::mutate,
            VALIDATE_PODS,
            pods::validate,
            VALIDATE_RESOURCES,
            new ResourceWebhook(connections, reviews),
            MUTATE_APPROVALS,
            new ApprovalWebhook());
    webhooks =
        AdmissionServer.listen(
            vertx,
            new InetSocketAddress("0.0.0.0", settings.webhookPort()),
            certificates.identity(),
            handlers,
            settings.limits(),
            metrics);
    certificates.listen(now -> webhooks.show(now.identity()));
    // What was renewed while it began to listen.
    webhooks.show(certificates.identity());
  }

  private void openChannel(KubernetesClient client, SidecarListener listener) throws IOException {
    channel =
        ChannelServer.listen(
            new InetSocketAddress(settings.channelPort()),
            certificates::identity,
            new Authenticator(
                new KubernetesTokenReviewer(questions),
                new KubernetesPodLookup(questions, GatewayNames.CONTAINER),
                new ConfigMapKeyBindings(client, settings.namespace())),
            listener,
            ChannelSettings.STANDARD);
  }

  private void openReading(
      Vertx vertx, KubernetesClient client, RecordingStore store, MeterRegistry registry)
      throws IOException {
    reading =
        ReadingServer.listen(
            vertx,
            client,
            questions,
            new KubernetesAccessReviews(questions),
            store,
            () -> certificates.certificates().orElseThrow(),
            settings.reading().orElseThrow(),
            registry);
    certificates.listen(now -> reading.show(now.identity()));
    reading.show(certificates.identity());
  }

  /** What gateways are like at this moment. */
  InjectionSettings sidecar() {
    return settings.sidecarWith(
        certificates
            .certificates()
            .orElseThrow(() -> new IllegalStateException("there is no certificate yet"))
            .bundle());
  }

  private void measure(MeterRegistry registry) {
    gauge(registry, "authority", Certificates::authorityEnd);
    gauge(registry, "serving", Certificates::servingEnd);
  }

  private void gauge(MeterRegistry registry, String which, Function<Certificates, Instant> end) {
    TimeGauge.builder(
            "chaperone.certificate.end",
            certificates,
            TimeUnit.SECONDS,
            service -> service.certificates().map(end).map(Instant::getEpochSecond).orElse(0L))
        .description("When the certificate ends, in seconds since 1970")
        .tag("certificate", which)
        .register(registry);
  }

  /** What has to be right before others are sent here. */
  public List<ReadinessSource> readiness() {
    return List.of(ReadinessSource.of("certificates", certificates::problem));
  }

  /** Certificates in PEM by which the operator is known now. */
  public String authorities() {
    return certificates.certificates().map(Certificates::bundle).orElse("");
  }

  /** Where the webhooks are. */
  public int webhookPort() {
    return webhooks.port();
  }

  /** Where sidecars connect; empty where nobody would hear them. */
  public OptionalInt channelPort() {
    return channel == null ? OptionalInt.empty() : OptionalInt.of(channel.port());
  }

  /** Where recordings are read; empty where they are not. */
  public OptionalInt readingPort() {
    return reading == null ? OptionalInt.empty() : OptionalInt.of(reading.port());
  }

  /** Answers what is under way, and ends. */
  @Override
  public void close() {
    if (webhooks != null) {
      webhooks.close();
    }
    if (reading != null) {
      reading.close();
    }
    if (channel != null) {
      channel.close();
    }
    events.close();
    asking.shutdownNow();
    certificates.close();
    questions.close();
  }
}
