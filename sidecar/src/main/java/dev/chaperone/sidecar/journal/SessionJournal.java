package dev.chaperone.sidecar.journal;

import dev.chaperone.recording.ChainWriter;
import dev.chaperone.recording.Checkpoint;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.Totals;
import dev.chaperone.recording.memory.JournalMemory;
import dev.chaperone.recording.memory.SessionMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * The recording of one session while it is written. Safe for use by any thread; nothing here waits
 * for the disk but what the journal's own threads call, as long as its file system answers at all.
 *
 * <pre>
 *   append --&gt; window (memory that is a file) --- survives the end of the process
 *                 |  forcer: at most 100 ms later
 *                 v
 *               disk ---------------------------- survives the end of the machine; durable()
 *   preparer: windows ahead of need, the next segment; looks whether the disk answers
 * </pre>
 */
public final class SessionJournal {
  private static final System.Logger LOGGER = System.getLogger(SessionJournal.class.getName());

  /** Room that is kept for the answers to what was already forwarded, in bytes. */
  private static final int RESERVED_BYTES = 256 << 10;

  /** Windows that are ready ahead of need. */
  private static final int READY_WINDOWS = 2;

  /** Windows of one session, those that wait for the disk included. */
  private static final int MAX_WINDOWS = 16;

  /** A new session takes little memory until something happens in it. */
  private static final int QUIET_BYTES = 64 << 10;

  private static final int CHECKPOINT_EVENTS = 1_000;

  /** Signatures take long enough to be noticed when there are many. */
  private static final long CHECKPOINT_SPACING_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  private static final long CHECKPOINT_NANOS = TimeUnit.SECONDS.toNanos(10);

  private record Awaited(long event, CompletableFuture<Void> result) {}

  private final Path directory;
  private final JournalMemory journalMemory;
  private final RecordingKey key;
  private final Event.SessionOpened opened;
  private final JournalThreads threads;
  private final JournalMetrics metrics;
  private final ChainWriter chain;

  // Guarded by this object's lock.
  private SegmentFile file;
  private Window window;
  private final ArrayDeque<Window> ready = new ArrayDeque<>();
  private final ArrayDeque<Window> retired = new ArrayDeque<>();
  private final ArrayDeque<Window> spare = new ArrayDeque<>();
  private final ArrayDeque<Awaited> awaited = new ArrayDeque<>();
  private CompletableFuture<Void> room;
  private long bytes;
  private long eventsAtCheckpoint;
  private long checkpointNanos = System.nanoTime();
  private final DiskWatch disk = new DiskWatch();
  private final StoreBacklog backlog;
  private final Gap gap = new Gap();
  private boolean wanting;
  private boolean sealed;
  private boolean closed;
  private boolean finished;

  // Of the preparer alone, until the session is closed.
  private byte[] firstHeader;
  private SessionMemory memory;
  private SegmentFile next;

  // Of the forcer alone.
  private long forcedEvents;
  private long forcedBytes;

  private volatile Availability availability = Availability.AVAILABLE;
  private volatile long unavailableSince = System.nanoTime();

  SessionJournal(
      Path directory,
      JournalMemory journalMemory,
      RecordingKey key,
      Event.SessionOpened opened,
      JournalThreads threads,
      StoreLimit storeLimit,
      JournalMetrics metrics) {
    this.directory = directory;
    this.journalMemory = journalMemory;
    this.key = key;
    this.opened = opened;
    this.threads = threads;
    this.backlog = new StoreBacklog(storeLimit);
    this.metrics = metrics;
    this.chain = new ChainWriter(opened.session(), key.publicKey().id());
  }

  // ---- for those who record

  /**
   * Records an event that something is to follow from. When this returns a number, the event
   * survives the end of this process.
   *
   * @return the event's number, or 0 where it is not recorded; then see {@link #availability()}:
   *     while it is available, there is only no room at this moment, and {@link #room()} says when
   *     to try again
   */
  public long append(Event event) {
    return append(event, RESERVED_BYTES);
  }

  /**
   * Records an event that happened in any case. Where it cannot be recorded it is counted, and the
   * recording will say that something is missing.
   *
   * @return the event's number, or 0
   */
  public long appendLate(Event event) {
    long number = append(event, 0);
    if (number == 0) {
      synchronized (this) {
        if (!closed) {
          gap.other(availability);
        }
      }
    }
    return number;
  }

  /** An operation was forwarded that is not recorded; the recording will say so. */
  public synchronized void skipped() {
    if (!closed) {
      gap.operation(availability);
      metrics.unrecorded();
    }
  }

  /** Whether events can be recorded. */
  public Availability availability() {
    return availability;
  }

  /** Completes when there is room again or the availability is another one; on any thread. */
  public synchronized CompletionStage<Void> room() {
    if (availability != Availability.AVAILABLE || isReady()) {
      return CompletableFuture.completedFuture(null);
    }
    if (room == null) {
      room = new CompletableFuture<>();
    }
    return room;
  }

  /**
   * Completes when an event is on the disk; fails with {@link JournalUnavailableException} where it
   * does not get there in time. On any thread.
   */
  public CompletionStage<Void> durable(long event) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    synchronized (this) {
      if (availability != Availability.AVAILABLE) {
        result.completeExceptionally(new JournalUnavailableException(availability));
        return result;
      }
      awaited.add(new Awaited(event, result));
    }
    threads.forceNow();
    return result;
  }

  /** How far the recording goes. */
  public synchronized Head head() {
    return chain.head();
  }

  /** What it comes to so far. */
  public synchronized Totals totals() {
    return chain.totals();
  }

  /** Where it is. */
  public Path directory() {
    return directory;
  }

  /**
   * The operator has stored so much of it.
   *
   * @param bytesStored of all segments together
   */
  void stored(long bytesStored) {
    synchronized (this) {
      backlog.stored(bytesStored);
    }
    watch();
  }

  /** The operator will not store any more of it. */
  void refusedByStore() {
    synchronized (this) {
      backlog.refused();
    }
    watch();
  }

  Event.SessionOpened opened() {
    return opened;
  }

  /** How a later session names it; empty where it never began. */
  synchronized Optional<Event.Predecessor> asPredecessor() {
    if (!disk.isOpened()) {
      return Optional.empty();
    }
    Head head = chain.head();
    return Optional.of(new Event.Predecessor(opened.session(), head.events(), head.hash(), sealed));
  }

  /**
   * Ends the recording and seals it; what comes later is not recorded. The journal brings it to the
   * disk.
   */
  public void end(String reason) {
    synchronized (this) {
      if (closed) {
        return;
      }
      if (append(new Event.SessionEnded(reason), 0) > 0) {
        seal();
      }
      closed = true;
      availability = Availability.IO_ERROR;
      if (file != null) {
        file.complete();
        retired.add(window);
        window = null;
      }
    }
    threads.forceNow();
  }

  private void seal() {
    Checkpoint seal = chain.sealed(micros());
    try {
      sealed = chain.append(seal, key.sign(seal), this::store);
    } catch (InternalError e) {
      disk.broken();
    }
  }

  private synchronized long append(Event event, int reserved) {
    if (closed || disk.isBroken() || !disk.isOpened()) {
      return 0;
    }
    if (availability != Availability.AVAILABLE && reserved > 0) {
      return 0;
    }
    if (!hasRoom(reserved)) {
      starve();
      return 0;
    }
    try {
      long now = micros();
      if (!gap.isEmpty() && !endGap(now)) {
        starve();
        return 0;
      }
      long number = chain.append(event, now, this::store);
      if (number == 0) {
        starve();
      }
      return number;
    } catch (InternalError e) {
      disk.broken();
      threads.prepareNow();
      return 0;
    }
  }

  private boolean hasRoom(int reserved) {
    return window != null && window.remaining() + (long) ready.size() * Window.BYTES >= reserved;
  }

  private boolean isReady() {
    return !disk.isStarved() && hasRoom(RESERVED_BYTES);
  }

  private void starve() {
    if (!disk.isStarved()) {
      disk.starve();
      threads.prepareNow();
    }
  }

  /** Called by the chain, under the lock. */
  private boolean store(byte[] frame, int length) {
    if (!window.isOpen()) {
      Window following = ready.poll();
      if (following == null) {
        return false;
      }
      following.begin(file, window.end());
      retired.add(window);
      window = following;
    }
    if (!window.putFrame(frame, length)) {
      disk.broken();
      threads.prepareNow();
      return false;
    }
    bytes += length;
    if (!wanting && ready.size() < READY_WINDOWS && window.end() >= QUIET_BYTES) {
      wanting = true;
      threads.prepareNow();
    }
    if (!disk.isUnforced()) {
      disk.wrote();
      threads.forceSoon();
    }
    return true;
  }

  private boolean endGap(long now) {
    if (chain.append(gap.event(), now, this::store) == 0) {
      return false;
    }
    gap.clear();
    metrics.gap();
    return true;
  }

  // ---- the preparer's

  /** Makes ready what will be needed soon. */
  void prepare() {
    try {
      if (file == null) {
        open();
      } else {
        prepareWindows();
        prepareSegment();
      }
      synchronized (this) {
        disk.prepared();
      }
    } catch (IOException e) {
      synchronized (this) {
        disk.prepareFailed(e);
        wanting = false;
      }
    }
    watch();
  }

  private void open() throws IOException {
    synchronized (this) {
      if (closed) {
        return;
      }
    }
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Files.writeString(directory.resolve(PublicKeyFile.NAME), key.publicKey().pem());
    Optional<Event.Predecessor> predecessor = opened.predecessor();
    if (predecessor.isEmpty()) {
      predecessor = Predecessors.of(opened, directory);
    }
    if (firstHeader == null) {
      firstHeader = chain.beginSegment(micros());
    }
    SegmentFile first = SegmentFile.open(directory.resolve(SessionFiles.segmentName(1)), 1);
    SessionMemory made = null;
    Window firstWindow;
    try {
      // Who reads the recording meanwhile finds one that has begun.
      first.reserve(Window.FILE_BYTES);
      first.write(ByteBuffer.wrap(firstHeader), 0);
      made = SessionMemory.create(journalMemory, opened.session());
      firstWindow = Window.create(made.newWindow());
    } catch (IOException e) {
      first.close();
      if (made != null) {
        made.delete();
      }
      throw e;
    }
    memory = made;
    synchronized (this) {
      begin(first, firstWindow, firstHeader);
      chain.append(
          new Event.SessionOpened(
              opened.session(),
              opened.identity(),
              opened.connection(),
              opened.target(),
              opened.version(),
              predecessor),
          micros(),
          this::store);
    }
  }

  private void prepareWindows() throws IOException {
    while (true) {
      Window more;
      long end;
      synchronized (this) {
        if (closed
            || disk.isBroken()
            || ready.size() >= READY_WINDOWS
            || (window.end() < QUIET_BYTES && !disk.isStarved())
            || ready.size() + retired.size() + spare.size() + 1 >= MAX_WINDOWS) {
          wanting = false;
          return;
        }
        end = window.limit() + (ready.size() + 1L) * Window.FILE_BYTES;
        more = spare.poll();
      }
      if (more == null) {
        more = Window.create(memory.newWindow());
      }
      boolean reserved = false;
      try {
        file.reserve(end);
        reserved = true;
      } finally {
        synchronized (this) {
          (reserved && !closed ? ready : spare).add(more);
        }
      }
    }
  }

  private void prepareSegment() throws IOException {
    int number;
    synchronized (this) {
      if (closed
          || disk.isBroken()
          || (window.end() < SessionFiles.SEGMENT_BYTES && !chain.isCrowded())) {
        return;
      }
      number = chain.segment() + 1;
    }
    if (next == null) {
      SegmentFile made =
          SegmentFile.open(directory.resolve(SessionFiles.segmentName(number)), number);
      try {
        made.reserve(Window.FILE_BYTES * (READY_WINDOWS + 1L));
      } catch (IOException e) {
        made.close();
        throw e;
      }
      next = made;
    }
    rotate();
  }

  private synchronized void rotate() {
    if (closed || ready.size() < READY_WINDOWS) {
      return;
    }
    Checkpoint checkpoint = chain.continued(micros());
    if (!chain.append(checkpoint, key.sign(checkpoint), this::store)) {
      return;
    }
    file.complete();
    retired.add(window);
    begin(next, ready.poll(), chain.beginSegment(micros()));
    next = null;
    threads.forceSoon();
  }

  private void begin(SegmentFile begun, Window first, byte[] header) {
    first.begin(begun, 0);
    first.putHeader(header);
    file = begun;
    window = first;
    disk.opened();
    bytes += header.length;
    eventsAtCheckpoint = chain.events();
  }

  /** Looks whether the disk answers, and tells those who wait. */
  void watch() {
    CompletableFuture<Void> waiting = null;
    List<Awaited> failed = List.of();
    Availability now;
    synchronized (this) {
      now = disk.evaluate(closed || hasRoom(RESERVED_BYTES));
      if (now == Availability.AVAILABLE) {
        now = backlog.evaluate(bytes);
      }
      metrics.unstored(backlog.unstored(bytes));
      if (ready.size() >= READY_WINDOWS) {
        disk.fed();
      }
      if (!closed && now != availability) {
        changed(now);
      }
      if (now != Availability.AVAILABLE && !awaited.isEmpty()) {
        failed = List.copyOf(awaited);
        awaited.clear();
      }
      if (room != null && (closed || now != Availability.AVAILABLE || isReady())) {
        waiting = room;
        room = null;
      }
    }
    if (waiting != null) {
      waiting.complete(null);
    }
    for (Awaited one : failed) {
      one.result().completeExceptionally(new JournalUnavailableException(now));
    }
  }

  private void changed(Availability now) {
    long at = System.nanoTime();
    if (availability != Availability.AVAILABLE) {
      metrics.unavailableFor(at - unavailableSince);
    }
    unavailableSince = at;
    availability = now;
    metrics.unavailable(now != Availability.AVAILABLE);
    if (now != Availability.AVAILABLE) {
      LOGGER.log(
          System.Logger.Level.ERROR,
          "recording unavailable connection={0} session={1} cause=\"{2}\"",
          opened.connection(),
          opened.session(),
          now.message());
    } else {
      LOGGER.log(
          System.Logger.Level.INFO,
          "recording available again connection={0} session={1}",
          opened.connection(),
          opened.session());
    }
  }

  // ---- the forcer's

  /** Whether something is not on the disk yet, or a checkpoint is due. */
  synchronized boolean needsForce() {
    return disk.isUnforced() || !retired.isEmpty() || !awaited.isEmpty() || isCheckpointDue();
  }

  /** Whether to look soon again whether the disk answers. */
  synchronized boolean needsWatch() {
    return disk.isUnforced()
        || disk.isStarved()
        || wanting
        || availability != Availability.AVAILABLE;
  }

  /** Whether everything is on the disk. */
  synchronized boolean isForced() {
    return file == null || (!disk.isUnforced() && retired.isEmpty());
  }

  /** Whether it was ended, everything is on the disk, and nothing of it is held any more. */
  synchronized boolean isFinished() {
    return closed && (file == null || finished);
  }

  private boolean isCheckpointDue() {
    long since = chain.events() - eventsAtCheckpoint;
    long elapsed = System.nanoTime() - checkpointNanos;
    return !closed
        && file != null
        && since > 0
        && elapsed > (since >= CHECKPOINT_EVENTS ? CHECKPOINT_SPACING_NANOS : CHECKPOINT_NANOS);
  }

  /** Brings everything to the disk, and appends a checkpoint where one is due. */
  void force() {
    force(true);
  }

  /** Brings everything to the disk and appends nothing, so that all of it is there at the end. */
  void flush() {
    force(false);
  }

  private void force(boolean checkpoints) {
    long begin = System.nanoTime();
    List<Window> full;
    Window present;
    long end;
    long events;
    long bytesNow;
    Checkpoint checkpoint = null;
    synchronized (this) {
      if (file == null) {
        return;
      }
      full = new ArrayList<>(retired);
      present = window;
      end = present == null ? 0 : present.end();
      events = chain.events();
      bytesNow = bytes;
      if (checkpoints && isCheckpointDue()) {
        checkpoint = chain.checkpoint(micros());
      }
    }
    try {
      copy(full, present, end);
      full.forEach(Window::forced);
      if (present != null) {
        present.forced();
      }
      recycle(full);
    } catch (IOException e) {
      forceFailed(full, present, e);
      return;
    }
    forced(begin, events, bytesNow);
    if (checkpoint != null) {
      sign(checkpoint);
    }
    finishIfEnded();
  }

  private static void copy(List<Window> full, Window present, long end) throws IOException {
    Set<SegmentFile> written = new LinkedHashSet<>();
    for (Window one : full) {
      one.copyTo(one.end());
      written.add(one.target());
    }
    if (present != null) {
      present.copyTo(end);
      written.add(present.target());
    }
    for (SegmentFile one : written) {
      one.force();
    }
  }

  /** Windows whose content is on the disk are used again, or given back where there are enough. */
  private void recycle(List<Window> full) throws IOException {
    for (Window one : full) {
      SegmentFile target = one.target();
      long end = one.end();
      boolean last;
      synchronized (this) {
        last = target.isComplete() && isLast(one);
      }
      if (last) {
        target.finish(end);
      }
      one.clear();
      boolean reused;
      synchronized (this) {
        retired.remove(one);
        reused = !closed && ready.size() + spare.size() < READY_WINDOWS;
        if (reused) {
          spare.add(one);
        }
      }
      if (!reused) {
        one.delete();
      }
    }
  }

  /** Whether no later window belongs to the same segment. */
  private boolean isLast(Window one) {
    return retired.stream()
        .noneMatch(other -> other.target() == one.target() && other.end() > one.end());
  }

  private void forced(long begin, long events, long bytesNow) {
    List<Awaited> arrived = new ArrayList<>();
    synchronized (this) {
      disk.forced(chain.events() > events, begin);
      for (var waiting = awaited.iterator(); waiting.hasNext(); ) {
        Awaited one = waiting.next();
        if (one.event() <= events) {
          arrived.add(one);
          waiting.remove();
        }
      }
    }
    metrics.forced(events - forcedEvents, bytesNow - forcedBytes, System.nanoTime() - begin);
    forcedEvents = events;
    forcedBytes = bytesNow;
    arrived.forEach(one -> one.result().complete(null));
    watch();
  }

  private void forceFailed(List<Window> full, Window present, IOException failure) {
    // After an error the kernel may take for written what is not: all of it is written again.
    full.forEach(Window::notForced);
    if (present != null) {
      present.notForced();
    }
    synchronized (this) {
      disk.forceFailed(failure);
    }
    watch();
  }

  private void sign(Checkpoint checkpoint) {
    var signature = key.sign(checkpoint);
    synchronized (this) {
      if (closed || disk.isBroken()) {
        return;
      }
      try {
        if (chain.append(checkpoint, signature, this::store)) {
          eventsAtCheckpoint = chain.events();
        }
        checkpointNanos = System.nanoTime();
      } catch (InternalError e) {
        disk.broken();
      }
    }
  }

  private void finishIfEnded() {
    synchronized (this) {
      if (!closed || !retired.isEmpty() || finished) {
        return;
      }
    }
    giveBack();
  }

  /**
   * Gives its memory back, once nobody works on it any more; what is not on the disk stays for the
   * next run.
   */
  void release() {
    synchronized (this) {
      if (memory == null || finished) {
        return;
      }
      boolean complete = isForced();
      closed = true;
      if (!complete) {
        try {
          memory.abandon();
        } catch (IOException e) {
          // It ends with the process.
        }
        return;
      }
      if (window != null) {
        spare.add(window);
        window = null;
        file.close();
      }
    }
    giveBack();
  }

  private void giveBack() {
    List<Window> left;
    synchronized (this) {
      finished = true;
      left = new ArrayList<>(ready);
      left.addAll(spare);
      ready.clear();
      spare.clear();
    }
    left.forEach(Window::delete);
    try {
      memory.delete();
    } catch (IOException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "the journal''s memory could not be given back: {0}",
          e.getClass().getSimpleName());
    }
  }

  static long micros() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
  }
}
