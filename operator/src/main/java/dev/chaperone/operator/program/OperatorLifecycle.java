package dev.chaperone.operator.program;

import dev.chaperone.operator.objects.Bucket;
import dev.chaperone.operator.reconcile.ControlLoop;
import dev.chaperone.operator.reconcile.ControlSettings;
import dev.chaperone.operator.store.RecordingObjects;
import dev.chaperone.operator.store.RecordingStore;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.Vertx;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Starts the operator with the program, and ends it with the program. */
@ApplicationScoped
public class OperatorLifecycle {
  private static final System.Logger LOGGER = System.getLogger(OperatorLifecycle.class.getName());

  private final OperatorConfig config;
  private final Vertx vertx;
  private final KubernetesClient client;
  private final MeterRegistry metrics;
  private volatile ControlLoop control;
  private volatile OperatorServer server;
  private Bucket bucket;
  private RecordingStore store;
  private volatile boolean stopping;

  @Inject
  OperatorLifecycle(
      OperatorConfig config, Vertx vertx, KubernetesClient client, MeterRegistry metrics) {
    this.config = config;
    this.vertx = vertx;
    this.client = client;
    this.metrics = metrics;
  }

  void start(@Observes StartupEvent event) throws IOException, InterruptedException {
    OperatorSettings settings = OperatorSettings.of(config);
    if (settings.store().isPresent()) {
      if (settings.bucket().isPresent()) {
        bucket = Bucket.open(settings.bucket().get());
      }
      store =
          RecordingStore.open(
              settings.store().get(),
              Optional.ofNullable(bucket)
                  .map(one -> new RecordingObjects(one, settings.objects())));
    }
    control =
        ControlLoop.start(
            client,
            ControlSettings.standard(
                settings.namespace(),
                settings.pod(),
                settings.requestRetention(),
                settings.sessionRetention()),
            Optional.ofNullable(store),
            metrics);
    server =
        OperatorServer.start(
            vertx,
            client,
            settings,
            metrics,
            Optional.of(control.sidecars()),
            Optional.ofNullable(store));
    LOGGER.log(
        System.Logger.Level.INFO,
        "operator started namespace={0} webhooks={1} channel={2}",
        settings.namespace(),
        Integer.toString(server.webhookPort()),
        server.channelPort().isPresent()
            ? Integer.toString(server.channelPort().getAsInt())
            : "none");
  }

  void stop(@Observes ShutdownEvent event) {
    stopping = true;
    if (server != null) {
      server.close();
    }
    if (control != null) {
      control.close();
    }
    if (store != null) {
      store.close();
    }
    if (bucket != null) {
      bucket.close();
    }
  }

  /** Whether everything was started. */
  boolean isStarted() {
    return server != null;
  }

  /** All that has to be right before others are sent here. */
  List<ReadinessSource> readiness() {
    List<ReadinessSource> all = new ArrayList<>();
    if (server != null && !stopping) {
      all.addAll(server.readiness());
      all.add(
          ReadinessSource.of(
              "control",
              () ->
                  control.isReady()
                      ? Optional.empty()
                      : Optional.of("not everything was read from the API server yet")));
    }
    return all;
  }

  boolean isStopping() {
    return stopping;
  }
}
