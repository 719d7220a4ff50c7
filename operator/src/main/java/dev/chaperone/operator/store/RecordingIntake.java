package dev.chaperone.operator.store;

import dev.chaperone.control.channel.ChannelMessage.RecordingOffered;
import dev.chaperone.control.channel.ChannelMessage.RecordingPiece;
import dev.chaperone.operator.channel.ConnectedSidecar;
import dev.chaperone.operator.channel.RecordingKeyBindings;
import dev.chaperone.operator.channel.RefusalReason;
import dev.chaperone.operator.store.RecordingStore.Extent;
import dev.chaperone.recording.BrokenRecordingException;
import dev.chaperone.recording.Bytes;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.Position;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.SessionFiles;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Asks sidecars for what they offer, one piece of one recording at a time from each, and of a few
 * sidecars at the same time: so that what waits in memory is bounded whatever they do, and each
 * gets its turn. Nothing here keeps those waiting who hear sidecars; files and the API server are
 * waited for on threads of its own.
 *
 * <pre>
 *   offered --&gt; waits for a turn --&gt; wanted --&gt; piece --&gt; verified, on the disk --&gt; stored
 *                     ^                                                            |
 *                     +------------------- where there is more --------------------+
 * </pre>
 */
public final class RecordingIntake implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(RecordingIntake.class.getName());
  private static final int THREADS = 4;

  /** How many sidecars may send a piece at the same time. */
  private static final int TURNS = 16;

  /** How long a sidecar may take to send what was wanted. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** A sidecar offers fewer at a time. */
  private static final int MOST_OFFERED = 1_000;

  /** The longest public key, in bytes. */
  private static final int MOST_KEY = 256;

  /** What is known of a recording beside what is here. */
  public interface Seen {
    /** The head that an operator's store has said of a session of this pod. */
    Optional<Head> head(StoredSession session);
  }

  private record Turn(
      StoredSession session, RecordingOffered offer, PublicKeyFile key, Position at, long since) {}

  /** One sidecar's connection. Guarded by the intake's lock. */
  private static final class Conversation {
    private final Map<String, RecordingOffered> offered = new LinkedHashMap<>();

    /** Sessions that were refused for good. */
    private final Set<String> refused = new HashSet<>();

    /** What this pod's recordings are signed with; null until it was found out. */
    private PublicKeyFile key;

    /** Has a turn, or waits for one. */
    private boolean queued;

    /** What was wanted and has not come; null while there is none. */
    private Turn turn;

    /** A piece that was waited for in vain may still come. */
    private int late;
  }

  private final RecordingStore store;
  private final RecordingKeyBindings keys;
  private final Seen seen;
  private final StoreObserver observer;
  private final StoreMetrics metrics;
  private final Countersigner countersigner;
  private final ScheduledThreadPoolExecutor threads =
      new ScheduledThreadPoolExecutor(
          THREADS,
          task -> {
            Thread thread = new Thread(task, "recording-store");
            thread.setDaemon(true);
            return thread;
          });

  private final Map<ConnectedSidecar, Conversation> conversations = new LinkedHashMap<>();
  private final Deque<ConnectedSidecar> waiting = new ArrayDeque<>();
  private int turns;

  /**
   * Takes in what sidecars offer.
   *
   * @param store stays the caller's to close, after this
   * @param keys say what a pod's recordings are signed with
   * @param storeKey what the store countersigns with; empty while that is not known
   */
  public RecordingIntake(
      RecordingStore store,
      RecordingKeyBindings keys,
      Supplier<Optional<RecordingKey>> storeKey,
      Seen seen,
      StoreObserver observer,
      MeterRegistry registry) {
    this.store = store;
    this.keys = keys;
    this.seen = seen;
    this.observer = observer;
    this.metrics = new StoreMetrics(registry, store, store.settings());
    this.countersigner =
        new Countersigner(store, storeKey, Clock.systemUTC(), Countersigner.INTERVAL, metrics);
    threads.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    threads.scheduleWithFixedDelay(this::endTurnsThatTakeTooLong, 1, 1, TimeUnit.SECONDS);
  }

  /** A sidecar was let in: it is told that recordings are kept. */
  public void connected(ConnectedSidecar sidecar) {
    synchronized (this) {
      conversations.put(sidecar, new Conversation());
    }
    sidecar.keepsRecordings(true, store.mostUnstored());
  }

  /** It is gone; what it offered is offered again where it connects next. */
  public synchronized void disconnected(ConnectedSidecar sidecar) {
    Conversation gone = conversations.remove(sidecar);
    if (gone != null && gone.turn != null) {
      turns--;
    }
    waiting.remove(sidecar);
    takeTurns();
  }

  /** It has something of a recording. */
  public void offered(ConnectedSidecar sidecar, RecordingOffered offer) {
    if (!SessionFiles.isSessionName(offer.session()) || offer.publicKey().length() > MOST_KEY) {
      sidecar.disconnect(RefusalReason.PROTOCOL, "a recording's name or key cannot be one");
      return;
    }
    synchronized (this) {
      Conversation conversation = conversations.get(sidecar);
      if (conversation == null) {
        return;
      }
      if (!conversation.refused.contains(offer.session())
          && conversation.offered.size() + conversation.refused.size() < MOST_OFFERED) {
        conversation.offered.put(offer.session(), offer);
        queue(sidecar, conversation);
        takeTurns();
        return;
      }
    }
    // Each refusal is written down and told: nobody is to fill logs and events with them.
    sidecar.disconnect(
        RefusalReason.PROTOCOL, "recordings are offered that were refused, or more than can be");
  }

  /** It has sent a piece. */
  public void piece(ConnectedSidecar sidecar, RecordingPiece piece) {
    Turn turn;
    synchronized (this) {
      Conversation conversation = conversations.get(sidecar);
      if (conversation == null) {
        return;
      }
      turn = conversation.turn;
      if (turn != null
          && turn.session().session().equals(piece.session())
          && turn.at().equals(new Position(piece.segment(), piece.offset()))) {
        // It is worked on, and cannot be sent again meanwhile.
        conversation.turn = null;
      } else if (conversation.late > 0) {
        conversation.late--;
        sidecar.refuse(piece.session(), false, "the piece came too late");
        return;
      } else {
        turn = null;
      }
    }
    if (turn == null) {
      sidecar.disconnect(RefusalReason.PROTOCOL, "a piece of a recording was not asked for");
    } else {
      Turn wanted = turn;
      execute(() -> store(sidecar, wanted, piece));
    }
  }

  // ---- turns; with the lock

  private void queue(ConnectedSidecar sidecar, Conversation conversation) {
    if (!conversation.queued) {
      conversation.queued = true;
      waiting.add(sidecar);
    }
  }

  private void takeTurns() {
    while (turns < TURNS && !waiting.isEmpty()) {
      ConnectedSidecar next = waiting.poll();
      turns++;
      execute(() -> begin(next));
    }
  }

  private void execute(Runnable task) {
    try {
      threads.execute(
          () -> {
            try {
              task.run();
            } catch (RuntimeException e) {
              LOGGER.log(System.Logger.Level.ERROR, "a recording was not handled", e);
            }
          });
    } catch (RejectedExecutionException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "the store is closed");
    }
  }

  /** Its turn is over; it waits for the next one where it has offered more. */
  private synchronized void over(ConnectedSidecar sidecar) {
    turns--;
    Conversation conversation = conversations.get(sidecar);
    if (conversation != null) {
      conversation.queued = false;
      if (!conversation.offered.isEmpty()) {
        queue(sidecar, conversation);
      }
    }
    takeTurns();
  }

  private synchronized void endTurnsThatTakeTooLong() {
    long now = System.nanoTime();
    for (var one : Map.copyOf(conversations).entrySet()) {
      Turn turn = one.getValue().turn;
      if (turn != null && now - turn.since() > PATIENCE_NANOS) {
        one.getValue().turn = null;
        one.getValue().late++;
        LOGGER.log(
            System.Logger.Level.WARNING,
            "a sidecar does not send the recording it has offered session={0}",
            turn.session());
        over(one.getKey());
      }
    }
  }

  // ---- work; on threads that may wait

  private void begin(ConnectedSidecar sidecar) {
    boolean wanted = false;
    try {
      Optional<RecordingOffered> offer = firstOffer(sidecar);
      wanted = offer.isPresent() && want(sidecar, offer.get());
    } finally {
      if (!wanted) {
        over(sidecar);
      }
    }
  }

  private synchronized Optional<RecordingOffered> firstOffer(ConnectedSidecar sidecar) {
    Conversation conversation = conversations.get(sidecar);
    if (conversation == null || conversation.offered.isEmpty()) {
      return Optional.empty();
    }
    Iterator<RecordingOffered> offers = conversation.offered.values().iterator();
    RecordingOffered first = offers.next();
    offers.remove();
    return Optional.of(first);
  }

  /** Whether a piece will come. */
  private boolean want(ConnectedSidecar sidecar, RecordingOffered offer) {
    String name = offer.session();
    try {
      StoredSession session = new StoredSession(sidecar.pod(), name);
      PublicKeyFile key = PublicKeyFile.of(offer.publicKey().toArray());
      if (!isBound(sidecar, offer, key)) {
        reject(sidecar, name, "other key", "another key signs the recordings of this pod");
        return false;
      }
      Extent extent = store.begin(session, key, seen.head(session));
      Position at = extent.position();
      countersigner.stored(session, key, extent);
      if (extent.sealed()) {
        sidecar.stored(name, at.segment(), at.offset(), extent.bytes());
        observer.stored(sidecar, name, store.location(session), extent.head());
        return false;
      }
      synchronized (this) {
        Conversation conversation = conversations.get(sidecar);
        if (conversation == null) {
          return false;
        }
        conversation.turn = new Turn(session, offer, key, at, System.nanoTime());
      }
      sidecar.want(name, at.segment(), at.offset());
      return true;
    } catch (BrokenRecordingException e) {
      reject(sidecar, name, e.damage().label(), message(e));
    } catch (IOException e) {
      failed(sidecar, name, e);
    }
    return false;
  }

  /** Asked once in each conversation. */
  private boolean isBound(ConnectedSidecar sidecar, RecordingOffered offer, PublicKeyFile key)
      throws IOException {
    synchronized (this) {
      Conversation conversation = conversations.get(sidecar);
      if (conversation != null && conversation.key != null) {
        return conversation.key.id().equals(key.id());
      }
    }
    if (!keys.bind(sidecar.pod(), offer.publicKey())) {
      return false;
    }
    synchronized (this) {
      Conversation conversation = conversations.get(sidecar);
      if (conversation != null) {
        conversation.key = key;
      }
    }
    return true;
  }

  private void store(ConnectedSidecar sidecar, Turn turn, RecordingPiece piece) {
    String name = piece.session();
    try {
      long begun = System.nanoTime();
      Bytes content = Bytes.of(piece.content().toArray());
      Extent extent = store.store(turn.session(), turn.key(), turn.at(), content);
      metrics.stored(content.length(), System.nanoTime() - begun);
      countersigner.stored(turn.session(), turn.key(), extent);
      Position end = extent.position();
      sidecar.stored(name, end.segment(), end.offset(), extent.bytes());
      if (extent.head().events() > 0) {
        observer.stored(sidecar, name, store.location(turn.session()), extent.head());
      }
      if (piece.more() && content.length() > 0) {
        again(sidecar, turn.offer());
      }
    } catch (BrokenRecordingException e) {
      reject(sidecar, name, e.damage().label(), message(e));
    } catch (ForeignRecordingException e) {
      reject(sidecar, name, "foreign", e.getMessage());
    } catch (IOException e) {
      failed(sidecar, name, e);
    } finally {
      over(sidecar);
    }
  }

  private synchronized void again(ConnectedSidecar sidecar, RecordingOffered offer) {
    Conversation conversation = conversations.get(sidecar);
    if (conversation != null) {
      conversation.offered.putIfAbsent(offer.session(), offer);
    }
  }

  private static String message(BrokenRecordingException e) {
    return "event " + e.event() + ": " + e.damage().label() + ": " + e.getMessage();
  }

  private void reject(ConnectedSidecar sidecar, String name, String reason, String why) {
    LOGGER.log(
        System.Logger.Level.ERROR,
        "recording rejected pod={0} session={1} cause=\"{2}\"",
        sidecar,
        name,
        why);
    metrics.rejected(reason);
    synchronized (this) {
      Conversation conversation = conversations.get(sidecar);
      if (conversation != null) {
        conversation.refused.add(name);
        conversation.offered.remove(name);
      }
    }
    sidecar.refuse(name, true, why);
    observer.rejected(sidecar, name, why);
  }

  private void failed(ConnectedSidecar sidecar, String name, IOException e) {
    if (e instanceof StoreFullException) {
      metrics.full();
      sidecar.refuse(name, false, e.getMessage());
    } else {
      metrics.failed();
      sidecar.refuse(name, false, "the operator's store failed");
    }
    LOGGER.log(
        System.Logger.Level.WARNING,
        "recording not stored pod={0} session={1} cause=\"{2}\"",
        sidecar,
        name,
        e.getMessage());
  }

  /** Finishes the pieces that are there, and takes no more. */
  @Override
  public void close() {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(5, TimeUnit.SECONDS)) {
        threads.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    countersigner.close();
  }
}
