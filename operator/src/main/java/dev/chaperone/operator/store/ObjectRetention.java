package dev.chaperone.operator.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chaperone.operator.objects.Bucket;
import dev.chaperone.operator.objects.BucketException;
import dev.chaperone.operator.store.ObjectNames.Parts;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Deletes copies of recordings in object storage that nothing was added to for longer than their
 * connection keeps them, as {@link StoreRetention} does on the volume: those of connections that
 * are not there any more are left to people. What is locked is left alone for a day.
 */
public final class ObjectRetention implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(ObjectRetention.class.getName());
  private static final long FIRST_MINUTES = 10;
  private static final long PERIOD_MINUTES = 360;
  private static final int MOST_MANIFEST = 16 << 10;
  private static final int MOST_LOCKED = 10_000;

  /** Of versions of one object; the rest is deleted the next time. */
  private static final int MOST_PAGES = 100;

  /** No retention is shorter; what is as young is not even asked for. */
  private static final Duration YOUNG = Duration.ofMinutes(10);

  private static final Duration LOCKED = Duration.ofDays(1);
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** A copy of a recording, as far as it was listed. */
  private static final class Copy {
    private final Parts parts;
    private Instant changed = Instant.EPOCH;
    private long manifestBytes;

    Copy(Parts parts) {
      this.parts = parts;
    }
  }

  private final Bucket bucket;
  private final StoreRetention.Connections connections;
  private final Clock clock;
  private final ObjectMetrics metrics;

  /** When to try again, by what the names of a copy's objects begin with. */
  private final Map<String, Instant> locked = new LinkedHashMap<>();

  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread made = new Thread(task, "object-retention");
            made.setDaemon(true);
            return made;
          });

  /** Of what is there; {@link #start} begins. */
  public ObjectRetention(
      RecordingObjects objects,
      StoreRetention.Connections connections,
      Clock clock,
      ObjectUploads uploads) {
    this.bucket = objects.bucket();
    this.connections = connections;
    this.clock = clock;
    this.metrics = uploads.metrics();
  }

  /** Begins to look, once the connections are known. */
  public void start() {
    thread.scheduleWithFixedDelay(this::clean, FIRST_MINUTES, PERIOD_MINUTES, TimeUnit.MINUTES);
  }

  /** Looks once. */
  void clean() {
    try {
      Copy current = null;
      String after = "";
      Bucket.Page page;
      do {
        page = bucket.list("", after);
        for (Bucket.Entry one : page.entries()) {
          after = one.name();
          Optional<Parts> parts = ObjectNames.parts(one.name());
          if (parts.isEmpty()) {
            continue;
          }
          if (current == null || !current.parts.copy().equals(parts.get().copy())) {
            cleanOne(current);
            current = new Copy(parts.get());
          }
          current.changed =
              one.changed().isAfter(current.changed) ? one.changed() : current.changed;
          if (parts.get().file().equals(ObjectNames.MANIFEST)) {
            current.manifestBytes = one.bytes();
          }
        }
      } while (page.more() && !thread.isShutdown());
      cleanOne(current);
    } catch (IOException e) {
      metrics.failed(e);
      LOGGER.log(
          System.Logger.Level.WARNING,
          "recordings in object storage could not be looked through: {0}",
          e.getMessage());
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.ERROR, "object storage was not looked through", e);
    }
  }

  private void cleanOne(Copy copy) {
    Instant now = Instant.now(clock);
    if (copy == null
        || copy.manifestBytes < 1
        || copy.manifestBytes > MOST_MANIFEST
        || now.isBefore(copy.changed.plus(YOUNG))
        || now.isBefore(locked.getOrDefault(copy.parts.copy(), Instant.EPOCH))) {
      return;
    }
    try {
      Optional<Duration> kept = kept(copy);
      if (kept.isPresent() && copy.changed.plus(kept.get()).isBefore(now)) {
        delete(copy.parts.copy());
        metrics.deleted();
        LOGGER.log(
            System.Logger.Level.INFO,
            "recording deleted from object storage, its time is over copy={0}",
            copy.parts.copy());
      }
    } catch (BucketException e) {
      refused(copy, e, now);
    } catch (IOException e) {
      metrics.failed(e);
    }
  }

  private void refused(Copy copy, BucketException e, Instant now) {
    if (e.reason() == BucketException.Reason.MISSING) {
      // Another replica was quicker.
      return;
    }
    metrics.failed(e);
    boolean denied = e.reason() == BucketException.Reason.DENIED;
    if (denied) {
      locked.put(copy.parts.copy(), now.plus(LOCKED));
      if (locked.size() > MOST_LOCKED) {
        locked.remove(locked.keySet().iterator().next());
      }
    }
    LOGGER.log(
        System.Logger.Level.WARNING,
        "recording not deleted from object storage copy={0} cause=\"{1}{2}\"",
        copy.parts.copy(),
        e.getMessage(),
        denied ? "; it is locked, or the right is missing; tried again in a day" : "");
  }

  private Optional<Duration> kept(Copy copy) throws IOException {
    byte[] content =
        bucket.read(copy.parts.copy() + ObjectNames.MANIFEST, 0, (int) copy.manifestBytes);
    try {
      JsonNode manifest = JSON.readTree(content);
      return manifest.path("namespace").asText().equals(copy.parts.namespace())
          ? connections.kept(copy.parts.namespace(), manifest.path("connection").asText())
          : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  /** The manifest last, so that what is left is found again. */
  private void delete(String copy) throws IOException {
    String after = "";
    Bucket.Page page;
    do {
      page = bucket.list(copy, after);
      for (Bucket.Entry one : page.entries()) {
        after = one.name();
        if (!one.name().equals(copy + ObjectNames.MANIFEST)) {
          deleteObject(one.name());
        }
      }
    } while (page.more());
    deleteObject(copy + ObjectNames.MANIFEST);
  }

  private void deleteObject(String name) throws IOException {
    if (!bucket.locks()) {
      bucket.delete(name);
      return;
    }
    // A bucket that locks keeps versions: else they would only be hidden.
    List<Bucket.Version> versions = bucket.versions(name);
    for (int i = 0; i < MOST_PAGES && !versions.isEmpty(); i++) {
      for (Bucket.Version one : versions) {
        bucket.delete(one);
      }
      versions = bucket.versions(name);
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
