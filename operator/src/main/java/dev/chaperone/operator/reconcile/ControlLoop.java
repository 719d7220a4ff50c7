package dev.chaperone.operator.reconcile;

import dev.chaperone.operator.channel.SidecarListener;
import dev.chaperone.operator.distribution.ClusterView;
import dev.chaperone.operator.distribution.Distribution;
import dev.chaperone.operator.store.RecordingStore;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The operator's work, but for webhooks and the channel's server: every replica serves its
 * sidecars, and one of them leads. Begins at once and is ready when it has seen everything; an API
 * server that is away at first is waited for.
 */
public final class ControlLoop implements AutoCloseable {
  private static final long LOOK_MILLIS = 50;

  private final ClusterView view;
  private final Distribution distribution;
  private final Leadership leadership;
  private final ScheduledExecutorService starter =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "control-start");
            thread.setDaemon(true);
            return thread;
          });
  private volatile boolean ready;
  private volatile boolean closed;

  private ControlLoop(
      KubernetesClient client,
      ControlSettings settings,
      Optional<RecordingStore> store,
      MeterRegistry metrics) {
    view = new ClusterView(client, settings.namespace());
    distribution =
        new Distribution(
            client,
            settings.namespace(),
            settings.instance(),
            view,
            settings.clock(),
            store,
            metrics);
    Leader leader = new Leader(client, settings, view);
    leadership = new Leadership(client, settings, leader);
    Gauge.builder("chaperone.leader", leader, one -> one.leads() ? 1 : 0)
        .description("1 where this replica leads")
        .strongReference(true)
        .register(metrics);
  }

  /**
   * Begins.
   *
   * @param client closed by whoever made it, after this
   * @param store where recordings are kept, closed after this; without one they stay with the
   *     sidecars
   */
  public static ControlLoop start(
      KubernetesClient client,
      ControlSettings settings,
      Optional<RecordingStore> store,
      MeterRegistry metrics) {
    ControlLoop loop = new ControlLoop(client, settings, store, metrics);
    loop.view.start();
    loop.starter.scheduleWithFixedDelay(
        loop::begin, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    return loop;
  }

  private void begin() {
    if (closed || !view.isSynced()) {
      return;
    }
    starter.shutdown();
    distribution.synced();
    leadership.start();
    ready = true;
  }

  /** To be told what sidecars say. */
  public SidecarListener sidecars() {
    return distribution;
  }

  /** Whether it has seen everything once, and serves sidecars. */
  public boolean isReady() {
    return ready;
  }

  @Override
  public void close() {
    closed = true;
    ready = false;
    starter.shutdownNow();
    leadership.close();
    distribution.close();
    view.close();
  }
}
