package dev.chaperone.operator.store;

import dev.chaperone.operator.channel.SidecarPod;
import dev.chaperone.recording.ArrivingRecording;
import dev.chaperone.recording.BrokenRecordingException;
import dev.chaperone.recording.Bytes;
import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.Position;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.RecordingPiece;
import dev.chaperone.recording.SessionFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Recordings on a volume: {@code POD-UID/SESSION/000001.seg ...} with the public key beside them,
 * the same files that the sidecar wrote, so that {@code chaperone verify} reads them.
 *
 * <p>Nothing is written that was not verified, and nothing that is there is ever written over: a
 * recording only becomes longer. Safe for use by any thread; everything here may wait for the disk.
 */
public final class RecordingStore implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(RecordingStore.class.getName());
  private static final String LOCK = ".lock";
  private static final int LOCKS = 64;

  /**
   * What a file counts for beside its length: many short ones must not take a volume's blocks and
   * inodes either.
   */
  static final long FILE_BYTES = 16 << 10;

  /** What is remembered of recordings that are arriving, so that they need not be read again. */
  private static final long MEMORY_BYTES = 48L << 20;

  private static final Set<OpenOption> APPEND =
      Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
  static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY_DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  /**
   * How far a recording is stored.
   *
   * @param position where it goes on
   * @param head its last event
   * @param bytes how long it is, all segments together
   * @param sealed whether nothing more comes
   */
  public record Extent(Position position, Head head, long bytes, boolean sealed) {
    private static Extent of(ArrivingRecording recording) {
      return new Extent(
          recording.position(), recording.head(), recording.bytes(), recording.isSealed());
    }
  }

  /**
   * A recording as it stands on the disk.
   *
   * @param memory about how much this takes, in bytes
   */
  private record Remembered(ArrivingRecording recording, long memory) {}

  /** Hears of what was stored. Must not wait. */
  interface Listener {
    void stored(StoredSession session, PublicKeyFile key, Extent extent);
  }

  private final StoreSettings settings;
  private final StoreSpace space;
  private final FileChannel lockFile;
  private final Object[] locks = new Object[LOCKS];

  /** The least recently used first. */
  private final Map<String, Remembered> arriving = new LinkedHashMap<>(16, 0.75f, true);

  private final CountersignatureFiles countersignatures = new CountersignatureFiles();
  private final Optional<RecordingObjects> objects;
  private final UploadedRecordings uploaded;
  private volatile Listener listener = (session, key, extent) -> {};

  private RecordingStore(
      StoreSettings settings, Optional<RecordingObjects> objects, FileChannel lockFile) {
    this.settings = settings;
    this.objects = objects;
    this.space = new StoreSpace(settings);
    this.uploaded = new UploadedRecordings(settings.directory(), space);
    this.lockFile = lockFile;
    for (int i = 0; i < LOCKS; i++) {
      locks[i] = new Object();
    }
  }

  /**
   * Opens the store, or makes it; recordings stay on the volume.
   *
   * @throws IOException when that does not work, or another process has it
   */
  public static RecordingStore open(StoreSettings settings) throws IOException {
    return open(settings, Optional.empty());
  }

  /**
   * Opens the store, or makes it.
   *
   * @param objects where recordings are brought from the volume, and read when it has them no more
   * @throws IOException when that does not work, or another process has it
   */
  public static RecordingStore open(StoreSettings settings, Optional<RecordingObjects> objects)
      throws IOException {
    Files.createDirectories(settings.directory(), OWNER_ONLY_DIRECTORY);
    FileChannel lockFile = FileChannel.open(settings.directory().resolve(LOCK), APPEND, OWNER_ONLY);
    try {
      FileLock lock = lockFile.tryLock();
      if (lock == null) {
        throw new OverlappingFileLockException();
      }
      RecordingStore store = new RecordingStore(settings, objects, lockFile);
      store.measure();
      return store;
    } catch (OverlappingFileLockException e) {
      lockFile.close();
      throw new IOException(settings.directory() + " is in use by another process", e);
    } catch (IOException e) {
      lockFile.close();
      throw e;
    }
  }

  private void measure() throws IOException {
    uploaded.open();
    for (Path session : sessions()) {
      space.found(podUid(session), size(session));
    }
  }

  /** The directories of the recordings that are stored. */
  List<Path> sessions() throws IOException {
    try (Stream<Path> found = Files.find(settings.directory(), 2, (path, what) -> true)) {
      return found
          .filter(path -> settings.directory().relativize(path).getNameCount() == 2)
          .filter(path -> SessionFiles.isSessionName(path.getFileName().toString()))
          .filter(path -> Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
          .toList();
    }
  }

  static String podUid(Path session) {
    return session.getParent().getFileName().toString();
  }

  static long size(Path session) throws IOException {
    long size = 0;
    try (Stream<Path> files = Files.list(session)) {
      for (Path file : files.toList()) {
        size += Files.size(file) + FILE_BYTES;
      }
    }
    return size;
  }

  /** Where a recording is, as an AgentSession says it. */
  public String location(StoredSession session) {
    return settings.replica() + ":" + session.path();
  }

  StoreSettings settings() {
    return settings;
  }

  /** Where recordings are brought; empty where they stay on the volume. */
  public Optional<RecordingObjects> objects() {
    return objects;
  }

  /** Recordings that object storage has, and the volume not any more. */
  UploadedRecordings uploaded() {
    return uploaded;
  }

  /** Who hears of what is stored from now on. */
  void listen(Listener one) {
    listener = one;
  }

  /** How full it is, from 0 to 1: that of the whole, or of the pod's part where that is more. */
  double fullness(String podUid) {
    return space.fullness(podUid);
  }

  /** Whether that is where a store has a recording, and not what a sidecar has said of its own. */
  public static boolean isLocation(String location) {
    return location != null && location.indexOf(':') > 0;
  }

  /** How much of one session may wait to be stored, in bytes. */
  public long mostUnstored() {
    return settings.mostUnstored();
  }

  /** How much it holds, in bytes; short files count for more than their length. */
  public long bytes() {
    return space.bytes();
  }

  /**
   * How far a recording is stored here.
   *
   * @param key what the pod's recordings are signed with
   * @param seen a head that another replica has stored; where this one has less, it must get there
   * @throws BrokenRecordingException when what is stored here is not what was stored there
   * @throws IOException when it cannot be read
   */
  public Extent begin(StoredSession session, PublicKeyFile key, Optional<Head> seen)
      throws IOException, BrokenRecordingException {
    synchronized (lock(session)) {
      Optional<Extent> elsewhere = uploaded.end(session);
      if (elsewhere.isPresent()) {
        return elsewhere.get();
      }
      ArrivingRecording recording = arriving(session, key);
      if (seen.isPresent()) {
        recording.require(seen.get());
      }
      return Extent.of(recording);
    }
  }

  /**
   * Verifies a piece and stores it: it is on the disk when this returns.
   *
   * @throws BrokenRecordingException when it does not verify, or is not of this pod; then nothing
   *     of it was written
   * @throws StoreFullException when there is no room
   * @throws IOException when it could not be written; what is there of it does not count
   */
  public Extent store(StoredSession session, PublicKeyFile key, Position at, Bytes content)
      throws IOException, BrokenRecordingException, ForeignRecordingException {
    synchronized (lock(session)) {
      ArrivingRecording recording = arriving(session, key);
      boolean stored = false;
      try {
        boolean begins = recording.head().events() == 0;
        recording.accept(at, content);
        if (begins && recording.opened().isPresent()) {
          requireOwn(session.pod(), recording.opened().get().identity());
        }
        long more = content.length() + (at.offset() == 0 ? FILE_BYTES : 0);
        space.take(session.pod().uid(), more);
        boolean written = false;
        try {
          write(session, key, at, content);
          written = true;
        } finally {
          if (!written) {
            space.giveBack(session.pod().uid(), more);
          }
        }
        stored = true;
        remember(session, recording);
        Extent extent = Extent.of(recording);
        listener.stored(session, key, extent);
        return extent;
      } finally {
        if (!stored) {
          // What it knows is ahead of the disk.
          forget(session);
        }
      }
    }
  }

  /**
   * Countersigns how far a recording is stored, where that was not done yet: that is on the disk
   * when this returns.
   *
   * @param key what the pod's recordings are signed with
   * @param by the store's key
   * @return whether there was something to be countersigned
   * @throws IOException when it could not be written, or what is there is not what a store wrote
   */
  boolean countersign(StoredSession session, PublicKeyFile key, RecordingKey by, Instant now)
      throws IOException {
    synchronized (lock(session)) {
      ArrivingRecording recording = arriving(session, key);
      Path file = session.directory(settings.directory()).resolve(CountersignedHead.FILE_NAME);
      CountersignatureFiles.End end = countersignatures.end(session.path(), file);
      if (recording.head().events() <= end.events()) {
        return false;
      }
      CountersignedHead head =
          new CountersignedHead(
              session.pod().uid(),
              session.session(),
              key.id(),
              by.publicKey().id(),
              ChronoUnit.MICROS.between(Instant.EPOCH, now),
              recording.head(),
              recording.headEnd());
      byte[] entry = head.encode(by.sign(head));
      append(file, end.offset(), entry);
      countersignatures.written(session.path(), head, end.offset() + entry.length);
      space.found(session.pod().uid(), entry.length + (end.offset() == 0 ? FILE_BYTES : 0));
      return true;
    }
  }

  /** How far a recording is stored, for those who bring it elsewhere. */
  Extent extent(StoredSession session, PublicKeyFile key) throws IOException {
    synchronized (lock(session)) {
      return Extent.of(arriving(session, key));
    }
  }

  /** How far it was countersigned. */
  CountersignatureFiles.End countersigned(StoredSession session) throws IOException {
    synchronized (lock(session)) {
      Path file = session.directory(settings.directory()).resolve(CountersignedHead.FILE_NAME);
      return countersignatures.end(session.path(), file);
    }
  }

  /** Keeps what was uploaded of a recording, where it is still there. */
  void keep(StoredSession session, UploadReceipt receipt) throws IOException {
    synchronized (lock(session)) {
      Path directory = session.directory(settings.directory());
      if (Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
        space.found(session.pod().uid(), receipt.write(directory.resolve(UploadReceipt.NAME)));
      }
    }
  }

  /**
   * Gives back the room of a recording that object storage has whole.
   *
   * @return whether it did; not where more has come meanwhile
   */
  boolean release(StoredSession session, PublicKeyFile key, UploadReceipt receipt)
      throws IOException {
    synchronized (lock(session)) {
      Path directory = session.directory(settings.directory());
      if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)
          || !receipt.isWhole(extent(session, key), countersigned(session))) {
        return false;
      }
      uploaded.release(session, receipt);
      synchronized (arriving) {
        arriving.remove(session.path());
      }
      countersignatures.forget(session.path());
      return true;
    }
  }

  private static void append(Path file, long at, byte[] entry) throws IOException {
    try (FileChannel channel = FileChannel.open(file, APPEND, OWNER_ONLY)) {
      try {
        // What was being written when an earlier process ended.
        channel.truncate(at);
        ByteBuffer rest = ByteBuffer.wrap(entry);
        long position = at;
        while (rest.hasRemaining()) {
          position += channel.write(rest, position);
        }
        channel.force(at == 0);
      } catch (IOException e) {
        cutOff(channel, at);
        throw e;
      }
    }
    if (at == 0) {
      force(file.getParent());
    }
  }

  /**
   * A recording, for those who read it; empty where this replica has none of it.
   *
   * @throws IllegalArgumentException where it cannot be a session of a pod
   */
  public Optional<StoredRecording> recording(String podUid, String session) {
    String path = StoredSession.path(podUid, session);
    Path directory = settings.directory().resolve(podUid).resolve(session);
    return Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)
        ? Optional.of(new VolumeRecording(directory, lock(path)))
        : Optional.empty();
  }

  /**
   * Whether that location is one of this store, and nothing is there that it has not given back.
   */
  public boolean isMissing(String location, String podUid, String session) {
    try {
      return (settings.replica() + ":" + StoredSession.path(podUid, session)).equals(location)
          && recording(podUid, session).isEmpty()
          && !uploaded.isReleased(podUid, session);
    } catch (IllegalArgumentException e) {
      // No store has made that.
      return false;
    }
  }

  private static void requireOwn(SidecarPod pod, Event.Identity identity)
      throws ForeignRecordingException {
    if (!identity.namespace().equals(pod.namespace())
        || !identity.pod().equals(pod.name())
        || !identity.podUid().equals(pod.uid())
        || !identity.serviceAccount().equals(pod.serviceAccount())) {
      throw new ForeignRecordingException();
    }
  }

  private void write(StoredSession session, PublicKeyFile key, Position at, Bytes content)
      throws IOException {
    Path directory = session.directory(settings.directory());
    Path file = directory.resolve(SessionFiles.segmentName(at.segment()));
    boolean made = at.offset() == 0;
    if (at.equals(Position.START)) {
      make(directory, key);
    }
    try (FileChannel channel = FileChannel.open(file, APPEND, OWNER_ONLY)) {
      try {
        ByteBuffer rest = ByteBuffer.wrap(content.toArray());
        long position = at.offset();
        while (rest.hasRemaining()) {
          position += channel.write(rest, position);
        }
        channel.force(made);
      } catch (IOException e) {
        cutOff(channel, at.offset());
        throw isFull(e) ? new StoreFullException("there is no room on the store's volume") : e;
      }
    }
    if (made) {
      force(directory);
    }
  }

  private static boolean isFull(IOException e) {
    String message = String.valueOf(e.getMessage());
    return message.contains("No space left") || message.contains("quota");
  }

  /** Where that fails too, it is done when the recording is opened again. */
  private static void cutOff(FileChannel channel, long length) {
    try {
      channel.truncate(length);
    } catch (IOException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "a piece could not be cut off", e);
    }
  }

  /** Before the first piece; again where that was not stored, for what is there may be half. */
  private void make(Path directory, PublicKeyFile key) throws IOException {
    boolean there = Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS);
    Files.createDirectories(directory, OWNER_ONLY_DIRECTORY);
    try (FileChannel channel =
        FileChannel.open(directory.resolve(PublicKeyFile.NAME), APPEND, OWNER_ONLY)) {
      ByteBuffer pem = ByteBuffer.wrap(key.pem().getBytes(StandardCharsets.US_ASCII));
      while (pem.hasRemaining()) {
        channel.write(pem);
      }
      channel.force(true);
    }
    if (!there) {
      long size = Files.size(directory.resolve(PublicKeyFile.NAME));
      space.found(podUid(directory), size + FILE_BYTES);
    }
    force(directory.getParent());
    force(settings.directory());
  }

  /** A file is there after a power failure only when its directory is on the disk too. */
  static void force(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  // ---- what is remembered

  private Object lock(StoredSession session) {
    return lock(session.path());
  }

  private Object lock(String path) {
    return locks[Math.floorMod(path.hashCode(), LOCKS)];
  }

  private ArrivingRecording arriving(StoredSession session, PublicKeyFile key) throws IOException {
    synchronized (arriving) {
      Remembered known = arriving.get(session.path());
      if (known != null) {
        return known.recording();
      }
    }
    Path directory = session.directory(settings.directory());
    ArrivingRecording read =
        Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)
            ? ArrivingRecording.resume(directory, session.session(), key)
            : ArrivingRecording.begin(session.session(), key);
    if (countersignatures.read(directory.resolve(CountersignedHead.FILE_NAME)).events()
        > read.head().events()) {
      throw new IOException(
          directory + " has less than what was countersigned: the store was changed");
    }
    dropUnfinished(session, directory, read.position());
    remember(session, read);
    return read;
  }

  /** Within a bound: what is forgotten for it is read again when it goes on. */
  private void remember(StoredSession session, ArrivingRecording recording) {
    synchronized (arriving) {
      arriving.put(session.path(), new Remembered(recording, recording.memory()));
      long memory = arriving.values().stream().mapToLong(Remembered::memory).sum();
      for (var eldest = arriving.values().iterator(); memory > MEMORY_BYTES && eldest.hasNext(); ) {
        Remembered one = eldest.next();
        if (one.recording() != recording) {
          memory -= one.memory();
          eldest.remove();
        }
      }
    }
  }

  /**
   * Cuts off what was being written when an earlier process ended: it was never acknowledged. More
   * than one piece cannot be: then what is stored was changed, and is left to people.
   */
  private void dropUnfinished(StoredSession session, Path directory, Position end)
      throws IOException {
    Path file = directory.resolve(SessionFiles.segmentName(end.segment()));
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
      long unfinished = channel.size() - end.offset();
      if (unfinished > RecordingPiece.MAX_BYTES) {
        throw new IOException(file + " is broken at " + end.offset() + ": the store was changed");
      }
      if (unfinished > 0) {
        channel.truncate(end.offset());
        channel.force(true);
        space.giveBack(session.pod().uid(), unfinished);
        LOGGER.log(
            System.Logger.Level.INFO,
            "unfinished piece dropped session={0} bytes={1}",
            session,
            unfinished);
      }
    } catch (NoSuchFileException e) {
      // Nothing is there of this segment.
    }
  }

  private void forget(StoredSession session) {
    synchronized (arriving) {
      arriving.remove(session.path());
    }
  }

  /** Deletes a recording; one that arrives meanwhile begins anew. */
  void delete(Path session) throws IOException {
    String path = podUid(session) + "/" + session.getFileName();
    synchronized (lock(path)) {
      long size = size(session);
      synchronized (arriving) {
        arriving.remove(path);
      }
      countersignatures.forget(path);
      try (Stream<Path> files = Files.walk(session)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      }
      space.giveBack(podUid(session), size);
    }
  }

  @Override
  public void close() {
    try {
      lockFile.close();
    } catch (IOException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "the store's lock could not be closed", e);
    }
  }
}
