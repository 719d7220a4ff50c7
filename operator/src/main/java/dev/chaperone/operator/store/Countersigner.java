package dev.chaperone.operator.store;

import dev.chaperone.operator.store.RecordingStore.Extent;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordingKey;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Countersigns how far recordings are stored: the first time at once, then at most every few
 * seconds, and when a session is sealed before that is acknowledged. What could not be done is done
 * later; storing never waits for it.
 */
public final class Countersigner implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(Countersigner.class.getName());

  /** How often a session is countersigned at most, but for its end. */
  static final Duration INTERVAL = Duration.ofSeconds(10);

  /** Sessions that are remembered; of more, those are left out that wait longest. */
  private static final int MOST = 10_000;

  private record Due(StoredSession session, PublicKeyFile key) {}

  /**
   * A session that was countersigned of late, or waits for it.
   *
   * @param at when it was tried last
   * @param due null where nothing waits
   */
  private record State(long at, Due due) {}

  private final RecordingStore store;
  private final Supplier<Optional<RecordingKey>> key;
  private final Clock clock;
  private final long interval;
  private final StoreMetrics metrics;
  private final Map<String, State> states = new LinkedHashMap<>();
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread made = new Thread(task, "countersigner");
            made.setDaemon(true);
            return made;
          });

  /**
   * Of this store.
   *
   * @param key the store's present key; empty while it is not known
   */
  Countersigner(
      RecordingStore store,
      Supplier<Optional<RecordingKey>> key,
      Clock clock,
      Duration interval,
      StoreMetrics metrics) {
    this.store = store;
    this.key = key;
    this.clock = clock;
    this.interval = interval.toNanos();
    this.metrics = metrics;
    thread.scheduleWithFixedDelay(this::look, 1, 1, TimeUnit.SECONDS);
  }

  /** More of a recording is on the disk. May wait for the disk. */
  void stored(StoredSession session, PublicKeyFile recordingKey, Extent extent) {
    if (extent.head().events() == 0) {
      return;
    }
    Due due = new Due(session, recordingKey);
    synchronized (states) {
      State state = states.get(session.path());
      if (state != null && !extent.sealed()) {
        states.put(session.path(), new State(state.at(), due));
        return;
      }
    }
    countersign(due);
  }

  private void look() {
    List<Due> now = new ArrayList<>();
    long nanos = System.nanoTime();
    synchronized (states) {
      states
          .values()
          .removeIf(
              state -> {
                boolean over = nanos - state.at() >= interval;
                if (over && state.due() != null) {
                  now.add(state.due());
                }
                return over;
              });
    }
    now.forEach(this::countersign);
  }

  private void countersign(Due due) {
    boolean done = false;
    try {
      Optional<RecordingKey> by = key.get();
      if (by.isPresent()) {
        if (store.countersign(due.session(), due.key(), by.get(), clock.instant())) {
          metrics.countersigned();
        }
        done = true;
      } else {
        metrics.notCountersigned();
      }
    } catch (IOException | RuntimeException e) {
      metrics.notCountersigned();
      LOGGER.log(
          System.Logger.Level.WARNING,
          "a recording could not be countersigned session={0} cause=\"{1}\"",
          due.session(),
          e.getMessage());
    }
    State state = new State(System.nanoTime(), done ? null : due);
    synchronized (states) {
      // What was stored meanwhile waits for its time.
      states.merge(
          due.session().path(),
          state,
          (was, is) -> new State(is.at(), is.due() == null ? was.due() : is.due()));
      if (states.size() > MOST) {
        states.remove(states.keySet().iterator().next());
      }
    }
  }

  /** Countersigns what waits, and ends. To be called when nothing more is stored. */
  @Override
  public void close() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(3, TimeUnit.SECONDS)) {
        thread.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    List<Due> left = new ArrayList<>();
    synchronized (states) {
      states.values().stream().filter(one -> one.due() != null).forEach(s -> left.add(s.due()));
    }
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(3);
    for (Due due : left) {
      if (System.nanoTime() < end) {
        countersign(due);
      }
    }
  }
}
