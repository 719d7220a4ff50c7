package dev.chaperone.operator.reconcile;

import dev.chaperone.operator.channel.SidecarListener;
import dev.chaperone.operator.distribution.ClusterView;
import dev.chaperone.operator.distribution.Distribution;
import io.fabric8.kubernetes.client.KubernetesClient;
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

  private ControlLoop(KubernetesClient client, ControlSettings settings) {
    view = new ClusterView(client, settings.namespace());
    distribution = new Distribution(client, settings.namespace(), view, settings.clock());
    leadership = new Leadership(client, settings, new Leader(client, settings, view));
  }

  /**
   * Begins.
   *
   * @param client closed by whoever made it, after this
   */
  public static ControlLoop start(KubernetesClient client, ControlSettings settings) {
    ControlLoop loop = new ControlLoop(client, settings);
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
