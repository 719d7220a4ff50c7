package dev.chaperone.operator.store;

import dev.chaperone.recording.Event;
import dev.chaperone.recording.MalformedRecordingException;
import dev.chaperone.recording.RecordedEvent;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.SessionReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Deletes recordings that nothing was added to for longer than their connection keeps them, whole
 * sessions at a time. Those of connections that are not there any more are left to people: to
 * delete a connection is no way to delete what was recorded of it.
 */
public final class StoreRetention implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(StoreRetention.class.getName());

  /** How often it looks. */
  private static final long PERIOD_MINUTES = 60;

  /** What connections say. */
  public interface Connections {
    /** How long recordings of a connection are kept; empty where there is none. */
    Optional<Duration> kept(String namespace, String connection);
  }

  private final RecordingStore store;
  private final Connections connections;
  private final Clock clock;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread made = new Thread(task, "recording-retention");
            made.setDaemon(true);
            return made;
          });

  /** Of this store; {@link #start} begins. */
  public StoreRetention(RecordingStore store, Connections connections, Clock clock) {
    this.store = store;
    this.connections = connections;
    this.clock = clock;
  }

  /** Begins to look, once the connections are known. */
  public void start() {
    thread.scheduleWithFixedDelay(this::clean, 1, PERIOD_MINUTES, TimeUnit.MINUTES);
  }

  /** Looks once. */
  void clean() {
    try {
      for (Path session : store.sessions()) {
        cleanOne(session);
      }
      store.uploaded().deleteOlder(connections, Instant.now(clock));
    } catch (IOException | UncheckedIOException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "stored recordings could not be looked through: {0}",
          e.getClass().getSimpleName());
    }
  }

  private void cleanOne(Path session) {
    try {
      Optional<Duration> kept =
          opened(session)
              .flatMap(
                  opened -> connections.kept(opened.identity().namespace(), opened.connection()));
      if (kept.isPresent() && lastChange(session).plus(kept.get()).isBefore(Instant.now(clock))) {
        store.delete(session);
        LOGGER.log(
            System.Logger.Level.INFO,
            "stored recording deleted, its time is over session={0}",
            session.getFileName());
      }
    } catch (IOException | UncheckedIOException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "a stored recording could not be looked at session={0} cause={1}",
          session.getFileName(),
          e.getClass().getSimpleName());
    }
  }

  /** The first event of a recording on the volume. */
  static Optional<Event.SessionOpened> opened(Path session) throws IOException {
    if (!SessionFiles.isSession(session)) {
      return Optional.empty();
    }
    try (SessionReader reader = new SessionReader(session)) {
      return reader
          .next()
          .map(RecordedEvent::event)
          .filter(Event.SessionOpened.class::isInstance)
          .map(Event.SessionOpened.class::cast);
    } catch (MalformedRecordingException e) {
      return Optional.empty();
    }
  }

  /** When something was last added to it. */
  static Instant lastChange(Path session) throws IOException {
    Instant latest = Instant.EPOCH;
    try (Stream<Path> files = Files.list(session)) {
      for (Path file : files.filter(one -> !UploadReceipt.isReceipt(one)).toList()) {
        Instant changed = Files.getLastModifiedTime(file).toInstant();
        latest = changed.isAfter(latest) ? changed : latest;
      }
    }
    return latest;
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
