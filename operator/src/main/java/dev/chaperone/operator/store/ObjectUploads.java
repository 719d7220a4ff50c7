package dev.chaperone.operator.store;

import dev.chaperone.operator.channel.SidecarPod;
import dev.chaperone.operator.objects.Bucket;
import dev.chaperone.operator.objects.BucketException;
import dev.chaperone.operator.store.RecordingStore.Extent;
import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.SessionFiles;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Brings all recordings of the volume to object storage, a few at a time, and gives back their room
 * there. Who stores never waits for it: while object storage is away, recordings stay on the
 * volume, and a full volume takes no more.
 */
public final class ObjectUploads implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(ObjectUploads.class.getName());
  private static final int THREADS = 2;
  private static final long LOOK_MILLIS = 500;
  private static final long RELEASE_SECONDS = 30;

  /** How long object storage is left alone that did not answer, and a recording that failed. */
  private static final Duration PAUSE = Duration.ofSeconds(5);

  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

  /** A recording that was not sealed may go on: then it has to be sent again as a whole. */
  private static final Duration UNSEALED = Duration.ofHours(1);

  /** How full the store is when the volume gives back what it could keep longer. */
  private static final double SHORT = 0.75;

  /** So many objects make the interval longer by itself once. */
  private static final int OBJECTS_PER_INTERVAL = 1_000;

  /** Told whether object storage works. May wait. */
  public interface Observer {
    /**
     * It does not any more.
     *
     * @param why for people
     */
    void fails(String why);

    /** It does again. */
    void works();
  }

  /** What is not uploaded of a recording. Guarded by the lock of {@link #waiting}. */
  private static final class Waiting {
    private final StoredSession session;
    private final PublicKeyFile key;
    private Extent extent;

    /** How much there was of one that was found on the volume, and not looked into yet. */
    private long found;

    private UploadReceipt receipt;
    private Instant since;
    private Instant notBefore = Instant.EPOCH;
    private Duration pause = PAUSE;
    private boolean busy;

    Waiting(StoredSession session, PublicKeyFile key, Instant since) {
      this.session = session;
      this.key = key;
      this.since = since;
    }

    private long bytes() {
      long stored = extent == null ? found : extent.bytes();
      return Math.max(0, stored - (receipt == null ? 0 : receipt.bytes()));
    }
  }

  private final RecordingStore store;
  private final Bucket bucket;
  private final ObjectSettings settings;
  private final StoreRetention.Connections connections;
  private final Observer observer;
  private final Clock clock;
  private final ObjectMetrics metrics;

  /** By the session's path, those that wait longest first. */
  private final Map<String, Waiting> waiting = new LinkedHashMap<>();

  private Instant awayUntil = Instant.EPOCH;
  private Duration awayPause = PAUSE;
  private boolean working = true;

  private final ScheduledExecutorService threads =
      Executors.newScheduledThreadPool(
          THREADS + 1,
          task -> {
            Thread made = new Thread(task, "recording-objects");
            made.setDaemon(true);
            return made;
          });

  /** From this store to there; {@link #start} begins. */
  public ObjectUploads(
      RecordingStore store,
      RecordingObjects objects,
      StoreRetention.Connections connections,
      Observer observer,
      Clock clock,
      MeterRegistry registry) {
    this.store = store;
    this.bucket = objects.bucket();
    this.settings = objects.settings();
    this.connections = connections;
    this.observer = observer;
    this.clock = clock;
    this.metrics = new ObjectMetrics(registry);
    metrics.watch(this, ObjectUploads::waitingBytes, ObjectUploads::oldestSeconds);
  }

  ObjectMetrics metrics() {
    return metrics;
  }

  /** Begins, with what is there. */
  public void start() {
    store.listen(this::stored);
    threads.execute(this::find);
    for (int i = 0; i < THREADS; i++) {
      threads.scheduleWithFixedDelay(this::work, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }
    threads.scheduleWithFixedDelay(
        this::release, RELEASE_SECONDS, RELEASE_SECONDS, TimeUnit.SECONDS);
  }

  private void stored(StoredSession session, PublicKeyFile key, Extent extent) {
    synchronized (waiting) {
      waiting.computeIfAbsent(session.path(), path -> new Waiting(session, key, Instant.now(clock)))
              .extent =
          extent;
    }
  }

  /** Of all recordings on the volume those that object storage may not have. */
  void find() {
    try {
      for (Path directory : store.sessions()) {
        find(directory);
      }
    } catch (IOException | UncheckedIOException e) {
      LOGGER.log(System.Logger.Level.WARNING, "stored recordings cannot be looked through: {0}", e);
    }
  }

  private void find(Path directory) {
    try {
      Optional<UploadReceipt> receipt = UploadReceipt.read(directory.resolve(UploadReceipt.NAME));
      if (receipt.isPresent() && isUploaded(directory, receipt.get())) {
        return;
      }
      Optional<StoredSession> session = session(directory);
      if (session.isPresent()) {
        PublicKeyFile key = PublicKeyFile.read(directory.resolve(PublicKeyFile.NAME));
        Waiting found = new Waiting(session.get(), key, StoreRetention.lastChange(directory));
        found.found = segmentBytes(directory);
        found.receipt = receipt.orElse(null);
        synchronized (waiting) {
          waiting.putIfAbsent(session.get().path(), found);
        }
      }
    } catch (IOException | UncheckedIOException e) {
      metrics.failed(new IOException(e));
      LOGGER.log(
          System.Logger.Level.WARNING,
          "a stored recording cannot be uploaded session={0} cause=\"{1}\"",
          directory.getFileName(),
          e.getMessage());
    }
  }

  /** By length alone: what is there was verified, and does not change. */
  private static boolean isUploaded(Path directory, UploadReceipt receipt) throws IOException {
    Path heads = directory.resolve(CountersignedHead.FILE_NAME);
    return receipt.whole() != null
        && receipt.whole().bytes() == segmentBytes(directory)
        && receipt.heads() == (Files.exists(heads) ? Files.size(heads) : 0);
  }

  private static long segmentBytes(Path directory) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.list(directory)) {
      for (Path file : files.toList()) {
        bytes += SessionFiles.isSegmentName(file.getFileName().toString()) ? Files.size(file) : 0;
      }
    }
    return bytes;
  }

  /** As its first event says; that was verified when it arrived. */
  private static Optional<StoredSession> session(Path directory) throws IOException {
    return StoreRetention.opened(directory)
        .map(Event.SessionOpened::identity)
        .filter(of -> of.podUid().equals(RecordingStore.podUid(directory)))
        .map(
            of ->
                new StoredSession(
                    new SidecarPod(of.namespace(), of.pod(), of.podUid(), of.serviceAccount()),
                    directory.getFileName().toString()));
  }

  // ---- uploading

  /** Uploads one after the other, as long as one is due. */
  void work() {
    try {
      for (Optional<Waiting> next = next(); next.isPresent(); next = next()) {
        upload(next.get());
      }
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.ERROR, "a recording was not uploaded", e);
    }
  }

  private Optional<Waiting> next() {
    Instant now = Instant.now(clock);
    synchronized (waiting) {
      if (threads.isShutdown() || now.isBefore(awayUntil)) {
        return Optional.empty();
      }
      // What failed is behind what did not: it must not keep the others waiting.
      Optional<Waiting> due =
          waiting.values().stream()
              .filter(one -> !one.busy && isDue(one, now))
              .min(Comparator.comparing(one -> one.notBefore));
      due.ifPresent(one -> one.busy = true);
      return due;
    }
  }

  private boolean isDue(Waiting one, Instant now) {
    if (now.isBefore(one.notBefore)) {
      return false;
    }
    Extent extent = one.extent;
    if (extent == null || extent.sealed()) {
      return true;
    }
    int segment = one.receipt == null ? 1 : one.receipt.segment();
    return (one.bytes() > 0 && extent.position().segment() > segment)
        || one.bytes() >= ObjectUpload.PART
        || isOver(one, now);
  }

  private boolean isOver(Waiting one, Instant now) {
    int objects = one.receipt == null ? 0 : one.receipt.objects();
    Duration wait = settings.interval().multipliedBy(1L + objects / OBJECTS_PER_INTERVAL);
    return !now.isBefore(one.since.plus(wait));
  }

  private void upload(Waiting one) {
    StoredSession session = one.session;
    try {
      boolean again = false;
      Outcome outcome = uploadOne(one);
      // Not with the lock: who stores has that of the session when it takes the other one.
      CountersignatureFiles.End countersigned = store.countersigned(session);
      synchronized (waiting) {
        if (outcome == Outcome.GONE || one.receipt.isWhole(one.extent, countersigned)) {
          waiting.remove(session.path());
        } else {
          one.since = Instant.now(clock);
          // Mostly for a head that is to be countersigned.
          one.notBefore = one.since.plus(PAUSE);
          one.pause = PAUSE;
        }
        if (outcome == Outcome.UPLOADED) {
          again = !working;
          working = true;
          awayPause = PAUSE;
        }
      }
      if (again) {
        LOGGER.log(System.Logger.Level.INFO, "object storage works again");
        observer.works();
      }
    } catch (IOException | UncheckedIOException e) {
      failed(one, e instanceof IOException io ? io : ((UncheckedIOException) e).getCause());
    } catch (RuntimeException e) {
      failed(one, new IOException(e.toString(), e));
    } finally {
      synchronized (waiting) {
        one.busy = false;
      }
    }
  }

  /** What became of a recording. */
  private enum Outcome {
    /** There is nothing of it. */
    GONE,
    /** Object storage had it all. */
    UNCHANGED,
    /** Object storage has it all now. */
    UPLOADED
  }

  /** Uploads all that there is. */
  private Outcome uploadOne(Waiting one) throws IOException {
    StoredSession session = one.session;
    if (!Files.isDirectory(session.directory(store.settings().directory()))) {
      return Outcome.GONE;
    }
    ObjectUpload upload =
        new ObjectUpload(store, bucket, connections, clock, metrics, session, one.key);
    Extent extent = store.extent(session, one.key);
    // From the disk: what failed in the middle is written there.
    UploadReceipt receipt = upload.receipt();
    synchronized (waiting) {
      one.extent = later(one.extent, extent);
      one.receipt = receipt;
    }
    if (extent.head().events() == 0) {
      return Outcome.GONE;
    }
    boolean more =
        receipt.whole() == null
            || receipt.bytes() < extent.bytes()
            || receipt.heads() < store.countersigned(session).offset()
            || receipt.whole().events() != extent.head().events();
    if (more) {
      receipt = upload.run(receipt, extent);
      synchronized (waiting) {
        one.receipt = receipt;
      }
      LOGGER.log(
          System.Logger.Level.DEBUG, "uploaded session={0} bytes={1}", session, receipt.bytes());
    }
    return more ? Outcome.UPLOADED : Outcome.UNCHANGED;
  }

  /** More may have been stored meanwhile. */
  private static Extent later(Extent one, Extent other) {
    return one == null || other.bytes() > one.bytes() ? other : one;
  }

  private void failed(Waiting one, IOException e) {
    metrics.failed(e);
    Instant now = Instant.now(clock);
    boolean storage =
        e instanceof BucketException failure
            && failure.reason() != BucketException.Reason.MISSING
            && failure.reason() != BucketException.Reason.CHANGED;
    boolean said;
    boolean stopped;
    synchronized (waiting) {
      one.notBefore = now.plus(one.pause);
      one.pause = longer(one.pause);
      said = !storage || working;
      stopped = storage && working;
      if (storage) {
        working = false;
        awayUntil = now.plus(awayPause);
        awayPause = longer(awayPause);
      }
      if (e instanceof NoSuchFileException) {
        // It was deleted meanwhile; what is stored of it anew says so.
        waiting.remove(one.session.path());
      }
    }
    // While the storage is away, one line is enough.
    if (said && !threads.isShutdown()) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "recording not uploaded, it stays on the volume session={0} cause=\"{1}\"",
          one.session,
          e.getMessage());
      if (stopped) {
        observer.fails(e.getMessage());
      }
    }
  }

  private static Duration longer(Duration pause) {
    Duration twice = pause.multipliedBy(2);
    return twice.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : twice;
  }

  // ---- giving back room

  private record Candidate(Path directory, UploadReceipt receipt, Instant changed) {}

  /** Gives back the room of what object storage has, where its time is over or room is short. */
  void release() {
    try {
      Instant now = Instant.now(clock);
      List<Candidate> all =
          store.sessions().stream()
              .flatMap(directory -> candidate(directory).stream())
              .sorted(Comparator.comparing(Candidate::changed))
              .toList();
      for (Candidate one : all) {
        releaseOne(one, now);
      }
    } catch (IOException | RuntimeException e) {
      LOGGER.log(System.Logger.Level.WARNING, "no room was given back: {0}", e.toString());
    }
  }

  private static Optional<Candidate> candidate(Path directory) {
    try {
      Optional<UploadReceipt> receipt = UploadReceipt.read(directory.resolve(UploadReceipt.NAME));
      return receipt.isPresent() && isUploaded(directory, receipt.get())
          ? Optional.of(
              new Candidate(directory, receipt.get(), StoreRetention.lastChange(directory)))
          : Optional.empty();
    } catch (IOException | UncheckedIOException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "not looked at: {0}", e.toString());
      return Optional.empty();
    }
  }

  private void releaseOne(Candidate one, Instant now) {
    try {
      release(one, now);
    } catch (IOException | UncheckedIOException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "a recording stays on the volume session={0} cause=\"{1}\"",
          one.directory().getFileName(),
          e.getMessage());
    }
  }

  private void release(Candidate one, Instant now) throws IOException {
    boolean isShort = store.fullness(RecordingStore.podUid(one.directory())) > SHORT;
    Duration keep = isShort ? Duration.ZERO : settings.keepLocally();
    if (!one.receipt().whole().sealed() && keep.compareTo(UNSEALED) < 0) {
      keep = UNSEALED;
    }
    if (now.isBefore(one.changed().plus(keep))) {
      return;
    }
    Optional<StoredSession> session = session(one.directory());
    if (session.isPresent()) {
      PublicKeyFile key = PublicKeyFile.read(one.directory().resolve(PublicKeyFile.NAME));
      if (store.release(session.get(), key, one.receipt())) {
        metrics.released();
        LOGGER.log(
            System.Logger.Level.INFO,
            "object storage has the recording, the volume not any more session={0}",
            session.get());
      }
    }
  }

  // ---- what is watched

  private double waitingBytes() {
    synchronized (waiting) {
      return waiting.values().stream().mapToLong(Waiting::bytes).sum();
    }
  }

  private double oldestSeconds() {
    Instant now = Instant.now(clock);
    synchronized (waiting) {
      return waiting.values().stream()
          .filter(one -> one.bytes() > 0)
          .mapToLong(one -> Math.max(0, Duration.between(one.since, now).toSeconds()))
          .max()
          .orElse(0);
    }
  }

  /** Ends; what was not uploaded is on the volume, and goes on there at the next start. */
  @Override
  public void close() {
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(5, TimeUnit.SECONDS)) {
        LOGGER.log(System.Logger.Level.DEBUG, "an upload is still under way");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
