package dev.chaperone.sidecar.control;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.RecordingOffered;
import dev.chaperone.control.channel.ChannelMessage.RecordingRefused;
import dev.chaperone.control.channel.ChannelMessage.RecordingStored;
import dev.chaperone.control.channel.ChannelMessage.RecordingWanted;
import dev.chaperone.control.channel.ChannelMessage.RecordingsKept;
import dev.chaperone.policy.VisibleText;
import dev.chaperone.recording.Position;
import dev.chaperone.recording.RecordingPiece;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.sidecar.journal.Journal;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Brings recordings to the operator's store, where it has one: offers what that may not have, and
 * sends a piece of it whenever one is wanted. Reads files on a thread of its own, so that neither
 * those who record nor those who hear the operator wait for it; one piece at a time is under way.
 *
 * <p>How far a recording is stored is the operator's to say, and asked anew in each conversation:
 * another replica has a store of its own. A recording that is over and stored to its end is marked
 * so and not offered again.
 */
public final class RecordingShipper implements OperatorListener, AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(RecordingShipper.class.getName());

  /** Beside the segments of a session that is over, once all of it is stored. */
  static final String STORED_MARK = "stored";

  private static final long LOOK_MILLIS = 500;
  private static final long LAST_LOOKS_MILLIS = 20;

  /** How long to wait after the operator could not take something. */
  private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** How long the last pieces may take at the end. */
  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** No more recordings than these are offered at the same time. */
  private static final int MOST_OFFERED = 64;

  private static final int MOST_TASKS = 1_024;

  /** One recording, as this conversation knows it. */
  private static final class Shipment {
    private final Path directory;

    /** How far it is stored; null where the operator has not said. */
    private Position stored;

    private boolean offered;
    private boolean more;
    private boolean over;
    private boolean paused;
    private long pausedAt;

    Shipment(Path directory) {
      this.directory = directory;
    }

    boolean isPaused() {
      paused &= System.nanoTime() - pausedAt < PAUSE_NANOS;
      return paused;
    }
  }

  private final Journal journal;
  private final Bytes publicKey;
  private final BlockingQueue<Runnable> tasks = new ArrayBlockingQueue<>(MOST_TASKS);
  private final Thread thread = new Thread(this::run, "recording-shipper");

  // Of the thread alone.
  private final Map<String, Shipment> shipments = new HashMap<>();
  private Conversation conversation = message -> false;
  private boolean kept;

  private volatile boolean closing;
  private volatile boolean closed;

  /** Set once nothing was left to be stored, after the end had begun. */
  private volatile boolean done;

  /** Ships what this journal writes, and what earlier runs have left in its directory. */
  public RecordingShipper(Journal journal) {
    this.journal = journal;
    this.publicKey = new Bytes(journal.publicKey().encoded());
  }

  /** Begins. */
  public void start() {
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void opened(Conversation begun) {
    enqueue(
        () -> {
          conversation = begun;
          kept = false;
          shipments.clear();
        });
  }

  @Override
  public void said(FromOperator message) {
    if (message instanceof RecordingsKept said) {
      enqueue(() -> kept(said));
    } else if (message instanceof RecordingWanted wanted) {
      enqueue(() -> send(wanted));
    } else if (message instanceof RecordingStored stored) {
      enqueue(() -> stored(stored));
    } else if (message instanceof RecordingRefused refused) {
      enqueue(() -> refused(refused));
    }
  }

  /** What finds no room is made up for in the next conversation. */
  private void enqueue(Runnable task) {
    if (!tasks.offer(task)) {
      LOGGER.log(System.Logger.Level.WARNING, "the operator says more than can be heard");
    }
  }

  private void run() {
    long lookedAt = System.nanoTime();
    while (!closed) {
      try {
        long interval = TimeUnit.MILLISECONDS.toNanos(closing ? LAST_LOOKS_MILLIS : LOOK_MILLIS);
        long rest = lookedAt + interval - System.nanoTime();
        Runnable task = tasks.poll(Math.max(0, rest), TimeUnit.NANOSECONDS);
        if (task != null) {
          task.run();
        }
        if (System.nanoTime() - lookedAt >= interval) {
          look();
          lookedAt = System.nanoTime();
        }
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        LOGGER.log(System.Logger.Level.ERROR, "recordings could not be shipped", e);
      }
    }
  }

  private void kept(RecordingsKept said) {
    kept = said.kept();
    journal.limitUnstored(kept ? said.mostUnstored() : 0);
  }

  // ---- what is there

  private void look() {
    boolean last = closing && journal.isOnDisk();
    if (kept) {
      try {
        find();
      } catch (IOException | DirectoryIteratorException e) {
        LOGGER.log(
            System.Logger.Level.WARNING,
            "recordings could not be looked for: {0}",
            e.getClass().getSimpleName());
        return;
      }
      for (var one : List.copyOf(shipments.entrySet())) {
        consider(one.getKey(), one.getValue());
      }
    }
    done = last && shipments.values().stream().noneMatch(one -> one.offered);
  }

  private void find() throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(journal.recordings())) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        if (!shipments.containsKey(name)
            && SessionFiles.isSessionName(name)
            && SessionFiles.isSession(entry)) {
          Shipment found = new Shipment(entry);
          found.over = Files.exists(entry.resolve(STORED_MARK), LinkOption.NOFOLLOW_LINKS);
          shipments.put(name, found);
        }
      }
    }
  }

  private void consider(String session, Shipment shipment) {
    if (shipment.over || shipment.offered || shipment.isPaused()) {
      return;
    }
    // Asked before the files are looked at: what is not being written now has its end there.
    boolean written = journal.isBeingWritten(session);
    if (shipment.stored == null || isMore(shipment)) {
      if (shipments.values().stream().filter(one -> one.offered).count() < MOST_OFFERED) {
        shipment.offered = say(new RecordingOffered(session, publicKey));
      }
    } else if (!written) {
      mark(shipment);
    }
  }

  private static boolean isMore(Shipment shipment) {
    try {
      return RecordingPiece.read(shipment.directory, shipment.stored).content().length() > 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static void mark(Shipment shipment) {
    shipment.over = true;
    try {
      Files.createFile(shipment.directory.resolve(STORED_MARK));
    } catch (FileAlreadyExistsException e) {
      // By an earlier conversation.
    } catch (IOException e) {
      LOGGER.log(
          System.Logger.Level.DEBUG,
          "a stored recording could not be marked: {0}",
          e.getClass().getSimpleName());
    }
  }

  // ---- what the operator says of it

  private void send(RecordingWanted wanted) {
    RecordingPiece piece = read(wanted);
    Shipment shipment = shipments.get(wanted.session());
    if (shipment != null) {
      shipment.more = piece.more();
    }
    // An empty one is an answer too: the operator waits for it.
    say(
        new ChannelMessage.RecordingPiece(
            wanted.session(),
            wanted.segment(),
            wanted.offset(),
            new Bytes(piece.content().toArray()),
            piece.more()));
  }

  private RecordingPiece read(RecordingWanted wanted) {
    Position at = new Position(wanted.segment(), wanted.offset());
    Shipment shipment = shipments.get(wanted.session());
    if (shipment != null) {
      try {
        return RecordingPiece.read(shipment.directory, at);
      } catch (IOException e) {
        LOGGER.log(
            System.Logger.Level.WARNING,
            "a recording cannot be read session={0} cause={1}",
            wanted.session(),
            e.getClass().getSimpleName());
      }
    }
    return new RecordingPiece(at, dev.chaperone.recording.Bytes.EMPTY, false);
  }

  private void stored(RecordingStored stored) {
    journal.stored(stored.session(), stored.bytes());
    Shipment shipment = shipments.get(stored.session());
    if (shipment != null) {
      shipment.stored = new Position(stored.segment(), stored.offset());
      shipment.offered = shipment.more;
    }
  }

  private void refused(RecordingRefused refused) {
    LOGGER.log(
        refused.forGood() ? System.Logger.Level.ERROR : System.Logger.Level.WARNING,
        "the operator does not store the recording session={0} again={1} cause=\"{2}\"",
        refused.session(),
        !refused.forGood(),
        VisibleText.of(refused.why()));
    Shipment shipment = shipments.get(refused.session());
    if (shipment != null) {
      shipment.offered = false;
      shipment.over = refused.forGood();
      shipment.paused = true;
      shipment.pausedAt = System.nanoTime();
    }
    if (refused.forGood()) {
      journal.refusedByStore(refused.session());
    }
  }

  private boolean say(ChannelMessage.FromSidecar message) {
    boolean said = conversation.say(message);
    if (!said) {
      // It is over; the next one begins with what the operator keeps.
      kept = false;
      shipments.clear();
    }
    return said;
  }

  /** Ends, once all is stored that can be, or after a deadline. */
  @Override
  public void close() {
    long end = System.nanoTime() + CLOSE_NANOS;
    closing = true;
    try {
      while (!done && thread.isAlive() && System.nanoTime() < end) {
        Thread.sleep(LAST_LOOKS_MILLIS);
      }
      closed = true;
      thread.interrupt();
      thread.join(TimeUnit.SECONDS.toMillis(2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
