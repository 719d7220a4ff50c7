package dev.chaperone.sidecar;

import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.sidecar.ProbeFiles.Probe;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Feels whether the sidecar's threads turn, and writes what the probes read.
 *
 * <p>Alive means that each thread that everything depends on has done a small task within {@link
 * Times#stuck}. It does not mean that anybody else answers: neither the operator nor a target, a
 * disk, or a name server; a sidecar that was started anew could do no better without them, and
 * would have cost its clients their connections. Ready means that a configuration is in force, with
 * its ports bound. Started means that it was ready once; or that it has waited for its first
 * configuration for long enough, because the operator's absence is no reason to start it anew.
 */
final class Pulse implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(Pulse.class.getName());

  /**
   * Its patience.
   *
   * @param beat how often it looks, once the sidecar has started
   * @param firstBeat how often until then: the agent's containers wait for that
   * @param stuck how long a thread may take for a task of no work
   * @param firstConfiguration how long the first configuration is waited for
   */
  record Times(Duration beat, Duration firstBeat, Duration stuck, Duration firstConfiguration) {
    /** What a sidecar uses. The launcher's {@code probe} takes what is older than 20 s as old. */
    static final Times STANDARD =
        new Times(
            Duration.ofSeconds(2),
            Duration.ofMillis(250),
            Duration.ofSeconds(15),
            Duration.ofSeconds(45));
  }

  /** One thread, and since when it owes the small task it was given. */
  private static final class Turn {
    private final String name;
    private final Executor thread;
    private volatile boolean owes;
    private long askedAt;
    private boolean reportedStuck;

    Turn(String name, Executor thread) {
      this.name = name;
      this.thread = thread;
    }

    void ask() {
      if (owes) {
        return;
      }
      owes = true;
      askedAt = System.nanoTime();
      try {
        thread.execute(() -> owes = false);
      } catch (RejectedExecutionException e) {
        // It has been closed, and owes this for ever.
        LOGGER.log(System.Logger.Level.DEBUG, "thread {0} takes nothing more", name);
      }
    }

    boolean isStuck(Duration patience) {
      boolean stuck = owes && System.nanoTime() - askedAt >= patience.toNanos();
      if (stuck != reportedStuck) {
        reportedStuck = stuck;
        LOGGER.log(
            stuck ? System.Logger.Level.ERROR : System.Logger.Level.INFO,
            stuck ? "thread {0} is stuck" : "thread {0} turns again",
            name);
      }
      return stuck;
    }
  }

  private final ProbeFiles files;
  private final Times times;
  private final List<Turn> turns;
  private final Supplier<Health> health;
  private final Thread thread = new Thread(this::run, "pulse");
  private final long begunAt = System.nanoTime();
  private boolean started;
  private boolean unwritable;
  private volatile boolean closed;

  /**
   * @param threads those that everything depends on, each an executor of one thread, by name
   * @param health whether the sidecar takes clients
   */
  Pulse(ProbeFiles files, Times times, Map<String, Executor> threads, Supplier<Health> health) {
    this.files = files;
    this.times = times;
    this.turns =
        threads.entrySet().stream().map(one -> new Turn(one.getKey(), one.getValue())).toList();
    this.health = health;
  }

  /** Begins. */
  void start() {
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    while (!closed) {
      try {
        beat();
        unwritable = false;
      } catch (IOException | RuntimeException e) {
        if (!unwritable) {
          LOGGER.log(System.Logger.Level.ERROR, "what probes read cannot be written", e);
        }
        unwritable = true;
      }
      try {
        Thread.sleep((started ? times.beat() : times.firstBeat()).toMillis());
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void beat() throws IOException {
    boolean ready = health.get().ready();
    started =
        started || ready || System.nanoTime() - begunAt >= times.firstConfiguration().toNanos();
    say(Probe.started, started);
    say(Probe.ready, ready);
    boolean alive = true;
    for (Turn turn : turns) {
      turn.ask();
      alive &= !turn.isStuck(times.stuck());
    }
    say(Probe.alive, alive);
  }

  private void say(Probe probe, boolean holds) throws IOException {
    if (holds) {
      files.holds(probe);
    } else {
      files.holdsNot(probe);
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join(TimeUnit.SECONDS.toMillis(2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    files.close();
  }
}
