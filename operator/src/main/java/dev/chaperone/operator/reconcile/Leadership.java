package dev.chaperone.operator.reconcile;

import dev.chaperone.operator.distribution.ApiErrors;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElectionConfig;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaderElectionRecord;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaseLock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/**
 * Becomes the leader by a Lease, does the leader's work while it is that, and tries again after it
 * was not any more. A leader that cannot renew its lease stops writing before others may believe
 * that there is none: it leads for two thirds of the lease from the moment at which it last asked
 * for one that it got, whatever its threads wait for meanwhile, and a write takes at most the third
 * that is left ({@link #patience}).
 */
final class Leadership implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(Leadership.class.getName());
  private static final long AGAIN_MILLIS = 1_000;
  private static final long STOP_SECONDS = 5;

  /** The leader's work; begins and ends on threads that may wait. */
  interface Work {
    /**
     * Begins.
     *
     * @param leads to be asked before each write; false from the moment at which the lease may be
     *     another's, which may be long before the end
     * @throws RuntimeException where it cannot now; it is then tried again
     */
    void begin(BooleanSupplier leads);

    /** Ends; nothing is written after that. May be called where nothing has begun. */
    void end();
  }

  private final ControlSettings settings;
  private final Work work;
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "leadership");
            thread.setDaemon(true);
            return thread;
          });
  private final KubernetesClient electing;
  private CompletableFuture<?> election;
  private volatile boolean leading;

  /** When the lease was last asked for that was got. */
  private volatile long askedAt;

  private boolean closed;

  Leadership(KubernetesClient client, ControlSettings settings, Work work) {
    this.settings = settings;
    this.work = work;
    this.electing = Impatient.client(client, settings.lease().dividedBy(6));
  }

  /** How long a write of a leader may take, so that it is over when another one may lead. */
  static Duration patience(ControlSettings settings) {
    return settings.lease().dividedBy(3);
  }

  private static Duration renewal(Duration lease) {
    return lease.multipliedBy(2).dividedBy(3);
  }

  /** Whether the lease is this replica's, and will be for as long as a write may take. */
  private boolean leads() {
    return leading && System.nanoTime() - askedAt < renewal(settings.lease()).toNanos();
  }

  /** Begins to try. */
  synchronized void start() {
    if (closed) {
      return;
    }
    Duration lease = settings.lease();
    LeaderElectionConfig config =
        new LeaderElectionConfig(
            new NotedLease(),
            lease,
            renewal(lease),
            lease.dividedBy(6),
            new LeaderCallbacks(this::lead, this::lose, leader -> {}),
            true,
            ControlSettings.LEASE);
    election = electing.leaderElector().withConfig(config).build().start();
    election.whenComplete((nothing, failure) -> again(failure));
  }

  private void lead() {
    LOGGER.log(System.Logger.Level.INFO, "this replica leads instance={0}", settings.instance());
    leading = true;
    threads.execute(this::begin);
  }

  private void begin() {
    if (!leading) {
      return;
    }
    try {
      work.begin(this::leads);
    } catch (RuntimeException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "the leader's work is begun again error={0}",
          ApiErrors.describe(e));
      work.end();
      later(this::begin);
    }
    if (!leading) {
      // It was lost while it began.
      work.end();
    }
  }

  private void later(Runnable task) {
    CompletableFuture.delayedExecutor(AGAIN_MILLIS, TimeUnit.MILLISECONDS, threads).execute(task);
  }

  private void lose() {
    LOGGER.log(System.Logger.Level.INFO, "this replica follows instance={0}", settings.instance());
    leading = false;
    work.end();
  }

  private synchronized void again(Throwable failure) {
    if (closed) {
      return;
    }
    if (failure != null) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "the election is begun anew error={0}",
          ApiErrors.describe(failure));
    }
    later(this::start);
  }

  /** Ends the work, and lets go of the lease so that another replica leads at once. */
  @Override
  public void close() {
    CompletableFuture<?> last;
    synchronized (this) {
      closed = true;
      last = election;
    }
    leading = false;
    work.end();
    if (last != null) {
      last.cancel(true);
      try {
        last.handle((nothing, failure) -> null).get(STOP_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (java.util.concurrent.ExecutionException | TimeoutException e) {
        LOGGER.log(System.Logger.Level.WARNING, "the lease was not let go of in time");
      }
    }
    threads.shutdown();
    electing.close();
  }

  /** Remembers when it was asked for. */
  private final class NotedLease extends LeaseLock {
    NotedLease() {
      super(settings.namespace(), ControlSettings.LEASE, settings.instance());
    }

    @Override
    public synchronized void create(KubernetesClient by, LeaderElectionRecord record) {
      long now = System.nanoTime();
      super.create(by, record);
      askedAt = now;
    }

    @Override
    public synchronized void update(KubernetesClient by, LeaderElectionRecord record) {
      long now = System.nanoTime();
      super.update(by, record);
      askedAt = now;
    }
  }
}
