package dev.chaperone.operator.distribution;

import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.store.StoreRetention;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Finds recordings that AgentSessions say are in this replica's store, and that are not there:
 * after a volume was replaced nothing else says so, since a session that is over is not sent again.
 * What retention has deleted is not lost, nor is what object storage has.
 */
final class LostRecordings implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(LostRecordings.class.getName());

  /** How often it looks. */
  private static final long PERIOD_MINUTES = 60;

  private final RecordingStore store;
  private final ClusterView view;
  private final StoreRetention.Connections connections;
  private final RecordingStatuses statuses;
  private final Clock clock;
  private final Counter found;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread made = new Thread(task, "lost-recordings");
            made.setDaemon(true);
            return made;
          });

  LostRecordings(
      RecordingStore store,
      ClusterView view,
      StoreRetention.Connections connections,
      RecordingStatuses statuses,
      Clock clock,
      MeterRegistry metrics) {
    this.store = store;
    this.view = view;
    this.connections = connections;
    this.statuses = statuses;
    this.clock = clock;
    this.found =
        Counter.builder("chaperone.store.lost")
            .description("Recordings that were stored here and are not there any more")
            .register(metrics);
  }

  /** Begins to look, once sessions and connections are known. */
  void start() {
    thread.scheduleWithFixedDelay(this::look, 1, PERIOD_MINUTES, TimeUnit.MINUTES);
  }

  private void look() {
    for (AgentSession session : view.sessions()) {
      try {
        if (isLost(session)
            && statuses.lost(
                session,
                "the store of the replica that had the recording has nothing of it any more")) {
          found.increment();
          LOGGER.log(
              System.Logger.Level.ERROR,
              "recording lost session={0}/{1} location={2}",
              session.getMetadata().getNamespace(),
              session.getMetadata().getName(),
              session.getStatus().recording().location());
        }
      } catch (KubernetesClientException e) {
        if (!ApiErrors.isConflict(e) && !ApiErrors.isNotFound(e)) {
          LOGGER.log(
              System.Logger.Level.WARNING,
              "that a recording is lost could not be said error={0}",
              ApiErrors.describe(e));
        }
      } catch (IOException e) {
        // Not before it is known that object storage does not have it either.
        LOGGER.log(System.Logger.Level.WARNING, "a recording was not found: {0}", e.getMessage());
      } catch (RuntimeException e) {
        LOGGER.log(System.Logger.Level.ERROR, "a recording could not be looked for", e);
      }
    }
  }

  private boolean isLost(AgentSession session) throws IOException {
    AgentSessionStatus status = session.getStatus();
    return status != null
        && status.recording() != null
        && store.isMissing(
            status.recording().location(),
            session.getSpec().podUid(),
            session.getMetadata().getName())
        && !isOver(session)
        && !isInObjectStorage(session);
  }

  private boolean isInObjectStorage(AgentSession session) throws IOException {
    return store.objects().isPresent()
        && store
            .objects()
            .get()
            .recording(
                session.getMetadata().getNamespace(),
                session.getSpec().podUid(),
                session.getMetadata().getName())
            .isPresent();
  }

  /** Whether retention may have deleted it; of a connection that is gone it deletes nothing. */
  private boolean isOver(AgentSession session) {
    Optional<Duration> kept =
        connections.kept(session.getMetadata().getNamespace(), session.getSpec().connection());
    Instant now = Instant.now(clock);
    // When it was made is said by the API server, when it was used last by the sidecar.
    return kept.isPresent()
        && Stream.of(
                session.getMetadata().getCreationTimestamp(), session.getStatus().lastActivity())
            .flatMap(time -> Words.time(time).stream())
            .allMatch(time -> time.plus(kept.get()).isBefore(now));
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
