package dev.chaperone.operator.distribution;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Work by key: of one key one at a time, no more often than an interval allows, and again after a
 * failure. However often a key is touched meanwhile, the work is done once more and finds the last
 * state. A pace bounds the runs of all keys together: many keys that are touched at once take their
 * turns, and leave the processors to what is more urgent. Safe for use by any thread; nothing here
 * waits.
 */
public final class KeyedWork implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(KeyedWork.class.getName());
  private static final long FIRST_RETRY_MILLIS = 100;
  private static final long LAST_RETRY_MILLIS = 30_000;
  private static final long CLOSE_SECONDS = 5;

  /** What is done for a key; looks at the state as it is then. */
  public interface Work {
    /**
     * Does it.
     *
     * @throws Exception where it is to be tried again later
     */
    void run(String key) throws Exception;
  }

  /** What a run waits for. */
  private enum Haste {
    /** Its interval and its turn among the others. */
    NONE,
    /** Its interval and its turn among those that go ahead. */
    AHEAD,
    /** Nothing. */
    NOW
  }

  /** Guarded by itself. */
  private static final class Slot {
    private boolean running;
    private boolean touched;
    private Haste haste = Haste.NONE;
    private boolean scheduled;

    /** Among whom it was given a turn, and waits for nothing else; null where it was not. */
    private Haste turn;

    /** When its interval is over. */
    private long due;

    private int failures;

    /** So that an elder timer finds that a newer one has taken its place. */
    private long timer;
  }

  private final String name;
  private final long intervalNanos;
  private final long paceNanos;
  private final Work work;
  private final ScheduledThreadPoolExecutor threads;
  private final Map<String, Slot> slots = new ConcurrentHashMap<>();
  private final AtomicLong nextTurn = new AtomicLong(System.nanoTime());
  private final AtomicLong nextAhead = new AtomicLong(nextTurn.get());
  private volatile boolean closed;

  /** As the other, without a pace. */
  public KeyedWork(String name, int size, Duration interval, Work work) {
    this(name, size, interval, Duration.ZERO, work);
  }

  /**
   * @param name of its threads
   * @param interval between the ends of two runs of one key, where the second is not urgent; may be
   *     zero
   * @param pace between the beginnings of two runs of whatever keys, where both go ahead or neither
   *     does, and neither is urgent; may be zero
   * @param work what is done
   */
  public KeyedWork(String name, int size, Duration interval, Duration pace, Work work) {
    this.name = name;
    this.intervalNanos = interval.toNanos();
    this.paceNanos = pace.toNanos();
    this.work = work;
    this.threads =
        new ScheduledThreadPoolExecutor(
            size,
            task -> {
              Thread thread = new Thread(task, name);
              thread.setDaemon(true);
              return thread;
            });
    threads.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    threads.setRemoveOnCancelPolicy(true);
  }

  /** Something of that key may have changed. */
  public void touch(String key) {
    touch(key, Haste.NONE);
  }

  /**
   * As touch, but those that do not go ahead are not waited for. For what somebody else says who is
   * not trusted to say it seldom, and what all may say at the same time.
   */
  public void touchAhead(String key) {
    touch(key, Haste.AHEAD);
  }

  /** As touch, but neither other keys nor the interval are waited for. */
  public void touchNow(String key) {
    touch(key, Haste.NOW);
  }

  private void touch(String key, Haste haste) {
    if (closed) {
      return;
    }
    slots.compute(
        key,
        (k, known) -> {
          Slot slot = known == null ? new Slot() : known;
          synchronized (slot) {
            slot.touched = true;
            if (haste.compareTo(slot.haste) > 0) {
              slot.haste = haste;
            }
            long now = System.nanoTime();
            if (known == null || (haste == Haste.NOW && slot.failures == 0)) {
              slot.due = now;
              slot.scheduled = false;
            }
            if (haste == Haste.AHEAD && slot.turn == Haste.NONE) {
              slot.turn = null;
              slot.scheduled = false;
            }
            if (!slot.running) {
              schedule(key, slot, slot.due, now);
            }
          }
          return slot;
        });
  }

  /** With the slot's lock. */
  private void schedule(String key, Slot slot, long at, long now) {
    if (slot.scheduled) {
      return;
    }
    slot.scheduled = true;
    long timer = ++slot.timer;
    try {
      threads.schedule(() -> run(key, slot, timer), Math.max(0, at - now), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "{0} is closed", name);
    }
  }

  private void run(String key, Slot slot, long timer) {
    synchronized (slot) {
      if (slot.timer != timer || slot.running || closed) {
        return;
      }
      slot.scheduled = false;
      if (slot.haste != Haste.NOW && slot.turn == null && waitsForTurn(key, slot)) {
        return;
      }
      slot.turn = null;
      slot.running = true;
      slot.touched = false;
      slot.haste = Haste.NONE;
    }
    boolean failed = true;
    try {
      work.run(key);
      failed = false;
    } catch (Exception e) {
      logFailure(key, e);
    } finally {
      after(key, slot, failed);
    }
  }

  /** With the slot's lock; false where its turn is now. */
  private boolean waitsForTurn(String key, Slot slot) {
    if (paceNanos == 0) {
      return false;
    }
    long now = System.nanoTime();
    AtomicLong turns = slot.haste == Haste.AHEAD ? nextAhead : nextTurn;
    long turn = turns.getAndUpdate(next -> (next - now > 0 ? next : now) + paceNanos);
    if (turn - now <= 0) {
      return false;
    }
    slot.turn = slot.haste;
    schedule(key, slot, turn, now);
    return true;
  }

  private void after(String key, Slot slot, boolean failed) {
    slots.computeIfPresent(
        key,
        (k, current) -> {
          synchronized (slot) {
            slot.running = false;
            long now = System.nanoTime();
            if (failed) {
              slot.failures++;
              slot.due = now + TimeUnit.MILLISECONDS.toNanos(backoff(slot.failures));
              slot.scheduled = false;
              schedule(key, slot, slot.due, now);
              return slot;
            }
            slot.failures = 0;
            slot.due = slot.haste == Haste.NOW ? now : now + intervalNanos;
            // A slot that nobody has touched is kept for one interval: it knows when the last run
            // was.
            slot.scheduled = false;
            if (slot.touched) {
              schedule(key, slot, slot.due, now);
              return slot;
            }
            if (intervalNanos == 0) {
              return null;
            }
            forgetLater(key, slot, ++slot.timer);
            return slot;
          }
        });
  }

  private void forgetLater(String key, Slot slot, long timer) {
    try {
      threads.schedule(
          () ->
              slots.computeIfPresent(
                  key,
                  (k, current) -> {
                    synchronized (slot) {
                      return current == slot && slot.timer == timer && !slot.touched
                          ? null
                          : current;
                    }
                  }),
          intervalNanos,
          TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "{0} is closed", name);
    }
  }

  private static long backoff(int failures) {
    return Math.min(LAST_RETRY_MILLIS, FIRST_RETRY_MILLIS << Math.min(failures - 1, 10));
  }

  /** An API server's answer may hold what was sent; its status says enough. */
  private void logFailure(String key, Exception e) {
    LOGGER.log(
        System.Logger.Level.WARNING,
        "{0}: to be tried again key={1} error={2}",
        name,
        key,
        ApiErrors.describe(e));
  }

  /** How many keys are known; for tests and metrics. */
  int size() {
    return slots.size();
  }

  /** Ends; what is under way has a few seconds. */
  @Override
  public void close() {
    closed = true;
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        LOGGER.log(System.Logger.Level.WARNING, "{0} did not end in time", name);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
