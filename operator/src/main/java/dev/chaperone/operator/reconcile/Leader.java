package dev.chaperone.operator.reconcile;

import dev.chaperone.operator.access.KubernetesAccessReviews;
import dev.chaperone.operator.access.RecentAccessReviews;
import dev.chaperone.operator.distribution.ApiErrors;
import dev.chaperone.operator.distribution.ClusterView;
import dev.chaperone.operator.distribution.EventWriter;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.Operator;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** The leader's work, from the moment it leads until it does not. */
final class Leader implements Leadership.Work {
  private static final System.Logger LOGGER = System.getLogger(Leader.class.getName());
  private static final long STOP_SECONDS = 5;

  /** For connections and policies together; more would only wait for the same API server. */
  private static final int RECONCILING_THREADS = 8;

  /** A namespace is guarded soon after its first connection; it costs nothing where none is new. */
  private static final long GUARD_MILLIS = 250;

  /** What agents may read is asked again after this; a pod is asked about when it is made too. */
  private static final Duration PERMISSIONS_RECENT = Duration.ofMinutes(5);

  private final KubernetesClient client;
  private final ControlSettings settings;
  private final ClusterView view;
  private final AgentPods pods;
  private final Triggers triggers;
  private final AgentPrivileges privileges;
  private volatile BooleanSupplier lease = () -> false;
  private volatile boolean begun;
  private Operator operator;
  private ScheduledExecutorService sweeps;

  /** Of its own: what it writes late could be written over another leader's word. */
  private KubernetesClient writer;

  Leader(KubernetesClient client, ControlSettings settings, ClusterView view) {
    this.client = client;
    this.settings = settings;
    this.view = view;
    // Before the triggers: what they have looked at again must not find an old answer.
    this.pods = new AgentPods(client, view);
    this.triggers = new Triggers(view);
    this.privileges =
        new AgentPrivileges(
            new RecentAccessReviews(
                new KubernetesAccessReviews(client), PERMISSIONS_RECENT, System::nanoTime));
  }

  boolean leads() {
    return begun && lease.getAsBoolean();
  }

  @Override
  public synchronized void begin(BooleanSupplier leads) {
    if (begun) {
      return;
    }
    lease = leads;
    begun = true;
    writer = Impatient.client(client, Leadership.patience(settings));
    Operator started =
        new Operator(
            overrider ->
                overrider
                    .withKubernetesClient(client)
                    .withCloseClientOnStop(false)
                    .withConcurrentReconciliationThreads(RECONCILING_THREADS)
                    // Both would else end the process, and with it the service to the sidecars.
                    .withStopOnInformerErrorDuringStartup(false)
                    .withInformerStoppedHandler((informer, failure) -> stopped(failure)));
    ConditionEvents events =
        new ConditionEvents(new EventWriter(writer, settings.instance(), settings.clock()));
    started.register(
        new ConnectionReconciler(
            pods, writer, view, triggers, events, privileges, settings.clock(), this::leads));
    started.register(
        new PolicyReconciler(writer, view, triggers, events, settings.clock(), this::leads));
    operator = started;
    started.start();
    Sweeper sweeper = new Sweeper(writer, settings, view, this::leads);
    GuardedNamespaces namespaces = new GuardedNamespaces(writer, view, this::leads);
    sweeps =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "leader-sweep");
              thread.setDaemon(true);
              return thread;
            });
    long millis = settings.sweep().toMillis();
    sweeps.scheduleWithFixedDelay(() -> quietly(sweeper::sweep), 0, millis, TimeUnit.MILLISECONDS);
    sweeps.scheduleWithFixedDelay(
        () -> quietly(namespaces::sweep), 0, GUARD_MILLIS, TimeUnit.MILLISECONDS);
  }

  private static void stopped(Throwable failure) {
    if (failure != null) {
      LOGGER.log(
          System.Logger.Level.ERROR,
          "an informer has stopped; status is not kept until another replica leads error={0}",
          ApiErrors.describe(failure));
    }
  }

  private static void quietly(Runnable sweep) {
    try {
      sweep.run();
    } catch (RuntimeException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "a sweep failed and is done again error={0}",
          ApiErrors.describe(e));
    }
  }

  @Override
  public void end() {
    // First of all, and without waiting: whoever is about to write looks at it.
    begun = false;
    stop();
  }

  private synchronized void stop() {
    if (sweeps != null) {
      sweeps.shutdownNow();
      try {
        if (!sweeps.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
          LOGGER.log(System.Logger.Level.WARNING, "a sweep did not end in time");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      sweeps = null;
    }
    if (operator != null) {
      triggers.clear();
      operator.stop();
      operator = null;
    }
    if (writer != null) {
      writer.close();
      writer = null;
    }
  }
}
