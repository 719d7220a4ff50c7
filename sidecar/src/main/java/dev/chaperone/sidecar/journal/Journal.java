package dev.chaperone.sidecar.journal;

import dev.chaperone.recording.Event;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.memory.JournalMemory;
import dev.chaperone.recording.memory.Recovery;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The recordings that this gateway writes, one for each session, in one directory. */
public final class Journal implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(Journal.class.getName());
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  /** How long the end of the recordings may take to get to the disk. */
  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final Path recordings;
  private final JournalMemory memory;
  private final RecordingKey key;
  private final MeterRegistry registry;
  private final Retention retention;
  private final JournalThreads threads;
  private final StoreLimit storeLimit = new StoreLimit();

  /**
   * Opens the directory, or makes it, and brings to the disk what killed sessions left in memory.
   *
   * @param recordings holds a directory for each session
   * @param key signs them
   * @throws IOException when it cannot be made
   */
  public Journal(Path recordings, RecordingKey key, MeterRegistry registry) throws IOException {
    Files.createDirectories(recordings, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    this.recordings = recordings;
    this.memory = JournalMemory.make(recordings);
    if (!memory.isShared()) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "no memory for the journal in /dev/shm, a disk is used: if it does not answer, clients wait");
    }
    recover();
    this.key = key;
    this.registry = registry;
    this.retention = new Retention(recordings);
    this.threads = new JournalThreads(retention);
    threads.start();
  }

  private void recover() throws IOException {
    for (Recovery.Recovered one : new Recovery(recordings).run()) {
      if (one.failure().isPresent()) {
        LOGGER.log(
            System.Logger.Level.ERROR,
            "what was recorded last could not be brought to the disk session={0} cause={1}",
            one.session(),
            one.failure().get().toString());
      } else {
        LOGGER.log(
            System.Logger.Level.INFO,
            "recording of a killed session completed session={0} bytes={1}",
            one.session(),
            one.bytes());
      }
    }
  }

  /**
   * Begins the recording of a session. Where that does not work now it is tried again and again;
   * the session's availability says so.
   *
   * @param opened its first event; the session it follows is filled in
   * @param kept how long recordings of this connection are kept
   */
  public SessionJournal open(Event.SessionOpened opened, Duration kept) {
    SessionJournal session =
        new SessionJournal(
            recordings.resolve(opened.session()),
            memory,
            key,
            following(opened),
            threads,
            storeLimit,
            new JournalMetrics(registry, opened.connection()));
    keep(opened.identity().namespace(), opened.connection(), kept);
    session.prepare();
    threads.add(session);
    return session;
  }

  private Event.SessionOpened following(Event.SessionOpened opened) {
    return new Event.SessionOpened(
        opened.session(),
        opened.identity(),
        opened.connection(),
        opened.target(),
        opened.version(),
        threads.predecessor(opened));
  }

  /** Says how long recordings of a connection are kept from now on. */
  public void keep(String namespace, String connection, Duration kept) {
    retention.keep(namespace, connection, kept);
  }

  /**
   * Says how much of each session may wait to be stored by the operator.
   *
   * @param mostUnstored in bytes; 0 where the operator keeps no recordings
   */
  public void limitUnstored(long mostUnstored) {
    storeLimit.set(mostUnstored);
  }

  /** The operator has stored so many bytes of a session, all segments together. */
  public void stored(String session, long bytes) {
    threads.session(session).ifPresent(one -> one.stored(bytes));
  }

  /** The operator will not store any more of a session. */
  public void refusedByStore(String session) {
    threads.session(session).ifPresent(SessionJournal::refusedByStore);
  }

  /** Whether more may come of a session. */
  public boolean isBeingWritten(String session) {
    return threads.session(session).isPresent();
  }

  /** Whether all that was recorded is on the disk. */
  public boolean isOnDisk() {
    return threads.isForced();
  }

  /** What the recordings are signed with. */
  public PublicKeyFile publicKey() {
    return key.publicKey();
  }

  /** Where the recordings are. */
  public Path recordings() {
    return recordings;
  }

  /** Stops once all that was ended is on the disk, or after a deadline. */
  @Override
  public void close() {
    try {
      if (!threads.stop(CLOSE_NANOS)) {
        LOGGER.log(
            System.Logger.Level.WARNING, "the end of a recording did not get to the disk in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try {
      memory.release();
    } catch (IOException e) {
      // It is looked for by the next run.
    }
  }
}
