package dev.chaperone.sidecar.journal;

import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.SessionSummary;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Deletes recordings that are over and older than their connection keeps them, whole sessions at a
 * time. Those of connections that are not configured any more are left to people.
 */
final class Retention {
  /** How often it looks. */
  static final long PERIOD_NANOS = TimeUnit.HOURS.toNanos(1);

  private static final System.Logger LOGGER = System.getLogger(Retention.class.getName());

  private final Path recordings;
  private final Map<String, Duration> kept = new ConcurrentHashMap<>();

  Retention(Path recordings) {
    this.recordings = recordings;
  }

  /** Says how long the recordings of a connection are kept. */
  void keep(String namespace, String connection, Duration duration) {
    kept.put(namespace + "/" + connection, duration);
  }

  void clean(List<SessionJournal> open) {
    Set<Path> inUse = new HashSet<>();
    open.forEach(session -> inUse.add(session.directory().getFileName()));
    try {
      for (Path session : SessionFiles.sessions(recordings)) {
        if (!inUse.contains(session.getFileName()) && isTooOld(session)) {
          delete(session);
          LOGGER.log(
              System.Logger.Level.INFO, "recording deleted session={0}", session.getFileName());
        }
      }
    } catch (IOException | UncheckedIOException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "old recordings could not be deleted: {0}",
          e.getClass().getSimpleName());
    }
  }

  private boolean isTooOld(Path session) throws IOException {
    Optional<SessionSummary> summary = SessionSummary.read(session);
    if (summary.isEmpty()) {
      return false;
    }
    Duration duration =
        kept.get(
            summary.get().opened().identity().namespace()
                + "/"
                + summary.get().opened().connection());
    return duration != null && lastChange(session).plus(duration).isBefore(Instant.now());
  }

  private static Instant lastChange(Path session) throws IOException {
    Instant latest = Instant.EPOCH;
    try (Stream<Path> files = Files.list(session)) {
      for (Path file : files.toList()) {
        Instant changed = Files.getLastModifiedTime(file).toInstant();
        latest = changed.isAfter(latest) ? changed : latest;
      }
    }
    return latest;
  }

  private static void delete(Path session) throws IOException {
    try (Stream<Path> files = Files.walk(session)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
