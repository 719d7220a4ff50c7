package dev.chaperone.sidecar.journal;

import dev.chaperone.recording.Event;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The threads that see to the disk, so that nobody else has to: one waits for what is written to
 * arrive there, one makes room ahead, and one, that never touches it, looks whether they are stuck.
 */
final class JournalThreads {
  private static final System.Logger LOGGER = System.getLogger(JournalThreads.class.getName());

  /** How long events are collected before they are forced to the disk together. */
  private static final long GROUP_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private static final long WATCH_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final List<SessionJournal> sessions = new CopyOnWriteArrayList<>();
  private final Retention retention;
  private final Thread forcer = new Thread(this::runForcer, "journal-force");
  private final Thread preparer = new Thread(this::runPreparer, "journal-prepare");
  private final Thread watcher = new Thread(this::runWatcher, "journal-watch");
  private volatile boolean stopped;
  private volatile boolean soon;
  private volatile boolean now;
  private volatile boolean wanted;

  JournalThreads(Retention retention) {
    this.retention = retention;
    forcer.setDaemon(true);
    preparer.setDaemon(true);
    watcher.setDaemon(true);
  }

  void start() {
    forcer.start();
    preparer.start();
    watcher.start();
  }

  void add(SessionJournal session) {
    sessions.add(session);
    prepareNow();
  }

  /** A session that is written, or whose end is not on the disk yet. */
  Optional<SessionJournal> session(String name) {
    return sessions.stream().filter(one -> one.opened().session().equals(name)).findFirst();
  }

  /** The last session of the same connection, where not all of it is on the disk yet. */
  Optional<Event.Predecessor> predecessor(Event.SessionOpened opened) {
    return sessions.stream()
        .filter(session -> Predecessors.isSameConnection(session.opened(), opened))
        .flatMap(session -> session.asPredecessor().stream())
        .reduce((earlier, later) -> later);
  }

  /** Something was written: it has to be on the disk within 100 ms. */
  void forceSoon() {
    soon = true;
    LockSupport.unpark(forcer);
  }

  /** Somebody waits for what was written to be on the disk. */
  void forceNow() {
    now = true;
    LockSupport.unpark(forcer);
  }

  /** Room is needed. */
  void prepareNow() {
    wanted = true;
    LockSupport.unpark(preparer);
  }

  /**
   * Stops, once everything is on the disk or the deadline is over.
   *
   * @return whether everything is
   */
  boolean stop(long deadlineNanos) throws InterruptedException {
    long end = System.nanoTime() + deadlineNanos;
    while (!isForced() && System.nanoTime() < end) {
      forceNow();
      Thread.sleep(5);
    }
    stopped = true;
    for (Thread thread : List.of(forcer, preparer, watcher)) {
      LockSupport.unpark(thread);
      thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())));
    }
    boolean forced = isForced();
    if (!forcer.isAlive() && !preparer.isAlive()) {
      sessions.forEach(SessionJournal::release);
    }
    return forced;
  }

  /** Whether everything is on the disk. */
  boolean isForced() {
    return sessions.stream().allMatch(SessionJournal::isForced);
  }

  private void runForcer() {
    long sleep = IDLE_NANOS;
    while (!stopped) {
      long end = System.nanoTime() + sleep;
      while (!now && !stopped && !(soon && sleep == IDLE_NANOS)) {
        long rest = end - System.nanoTime();
        if (rest <= 0) {
          break;
        }
        LockSupport.parkNanos(this, rest);
      }
      if (soon && !now && sleep == IDLE_NANOS) {
        // The first event after a while: others may join it.
        sleep = GROUP_NANOS;
        continue;
      }
      now = false;
      soon = false;
      boolean more = false;
      for (SessionJournal session : sessions) {
        more |= guarded(session, this::force);
      }
      sleep = more || soon ? GROUP_NANOS : IDLE_NANOS;
      removeFinished();
    }
    // The last round may have appended a checkpoint.
    for (SessionJournal session : sessions) {
      guarded(session, this::flush);
    }
  }

  private boolean flush(SessionJournal session) {
    if (!session.isForced()) {
      session.flush();
    }
    return false;
  }

  private boolean force(SessionJournal session) {
    if (session.needsForce()) {
      session.force();
    }
    return session.needsForce();
  }

  private void runPreparer() {
    long retained = System.nanoTime() - Retention.PERIOD_NANOS;
    while (!stopped) {
      boolean watch = false;
      wanted = false;
      for (SessionJournal session : sessions) {
        watch |= guarded(session, this::prepare);
      }
      if (System.nanoTime() - retained >= Retention.PERIOD_NANOS) {
        retained = System.nanoTime();
        retention.clean(sessions);
      }
      if (!wanted && !stopped) {
        LockSupport.parkNanos(this, watch ? WATCH_NANOS : IDLE_NANOS);
      }
    }
  }

  private boolean prepare(SessionJournal session) {
    session.prepare();
    return session.needsWatch();
  }

  private void runWatcher() {
    while (!stopped) {
      boolean watch = false;
      for (SessionJournal session : sessions) {
        watch |= guarded(session, JournalThreads::watch);
      }
      if (!stopped) {
        LockSupport.parkNanos(this, watch ? WATCH_NANOS : IDLE_NANOS);
      }
    }
  }

  private static boolean watch(SessionJournal session) {
    session.watch();
    return session.needsWatch();
  }

  private interface Work {
    boolean on(SessionJournal session);
  }

  /** These threads never end for a failure: what depends on them would be stuck. */
  private static boolean guarded(SessionJournal session, Work work) {
    try {
      return work.on(session);
    } catch (RuntimeException | InternalError e) {
      LOGGER.log(
          System.Logger.Level.ERROR, "journal failed session=" + session.opened().session(), e);
      return true;
    }
  }

  private void removeFinished() {
    sessions.removeIf(SessionJournal::isFinished);
  }
}
