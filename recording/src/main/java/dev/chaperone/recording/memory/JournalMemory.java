package dev.chaperone.recording.memory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Finds the directory whose files are the memory of the sessions recorded in another one. */
public final class JournalMemory {
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");
  private static final String PREFIX = "chaperone-";

  /** Owned by the user that this process runs as. */
  private static final Path OWN_PROCESS = Path.of("/proc/self");

  /** Says whose memory it is: the path of the recordings. */
  private static final String RECORDINGS = "recordings";

  /** Memory of recordings that are gone is kept that long, in case they come back. */
  private static final Duration KEPT = Duration.ofHours(1);

  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  private final Path directory;
  private final boolean shared;

  private JournalMemory(Path directory, boolean shared) {
    this.directory = directory;
    this.shared = shared;
  }

  /**
   * The memory for the sessions of these recordings, the same one in every run. Where the machine
   * has no file system that is memory, or others could write to it, it is a directory beside the
   * recordings.
   *
   * @param recordings holds a directory for each session
   * @throws IOException when it is not there and cannot be made
   */
  public static JournalMemory make(Path recordings) throws IOException {
    Path own = inSharedMemory(recordings);
    if (Files.isWritable(SHARED_MEMORY)) {
      try {
        Files.createDirectory(own, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
      } catch (IOException e) {
        // Of an earlier run, or of somebody else, or there is no room: looked at next.
      }
      if (isOurs(own)) {
        Files.writeString(own.resolve(RECORDINGS), recordings.toRealPath().toString());
        collect(own);
        return new JournalMemory(own, true);
      }
    }
    Path beside = beside(recordings);
    Files.createDirectories(beside, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    return new JournalMemory(beside, false);
  }

  /** All memory that gateways may have left, as far as this user may look into it. */
  public static List<JournalMemory> find(Path recordings) throws IOException {
    List<JournalMemory> found = new ArrayList<>();
    Path own = inSharedMemory(recordings);
    if (isOurs(own)) {
      found.add(new JournalMemory(own, true));
    }
    Path beside = beside(recordings);
    if (isOurs(beside)) {
      found.add(new JournalMemory(beside, false));
    }
    return found;
  }

  /** The directory. */
  public Path directory() {
    return directory;
  }

  /** Whether it is memory; otherwise a disk that does not answer makes those wait who record. */
  public boolean isShared() {
    return shared;
  }

  /** Gives the directory back where nothing is in it any more. */
  public void release() throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      if (entries.anyMatch(Files::isDirectory)) {
        return;
      }
    }
    Files.deleteIfExists(directory.resolve(RECORDINGS));
    Files.deleteIfExists(directory);
  }

  /** Gives it back with all that is in it, but for sessions whose process lives. */
  public void discard() throws IOException {
    try (DirectoryStream<Path> sessions = Files.newDirectoryStream(directory, Files::isDirectory)) {
      for (Path session : sessions) {
        Optional<SessionMemory> left = SessionMemory.open(session);
        if (left.isPresent()) {
          left.get().delete();
        }
      }
    }
    release();
  }

  /** Discards the memory of recordings that somebody deleted: nothing else would ever. */
  private static void collect(Path own) {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(SHARED_MEMORY, PREFIX + "*")) {
      for (Path one : all) {
        if (!one.equals(own) && isMemory(one) && isOurs(one) && isOfDeleted(one)) {
          new JournalMemory(one, true).discard();
        }
      }
    } catch (IOException | UncheckedIOException e) {
      // What is left there takes memory, and is looked for again by the next start.
    }
  }

  /** Others may give their files a name that begins like ours. */
  private static boolean isMemory(Path directory) {
    return directory.getFileName().toString().matches(PREFIX + "[0-9a-f]{16}");
  }

  private static boolean isOfDeleted(Path memory) throws IOException {
    Path owner = memory.resolve(RECORDINGS);
    boolean named = Files.isRegularFile(owner, LinkOption.NOFOLLOW_LINKS);
    Instant used = Files.getLastModifiedTime(named ? owner : memory).toInstant();
    if (used.plus(KEPT).isAfter(Instant.now())) {
      return false;
    }
    if (!named) {
      return true;
    }
    Path recordings = Path.of(Files.readString(owner));
    return !Files.isDirectory(recordings) || !inSharedMemory(recordings).equals(memory);
  }

  private static Path beside(Path recordings) throws IOException {
    return recordings.toRealPath().resolveSibling("journal");
  }

  private static Path inSharedMemory(Path recordings) throws IOException {
    Path real = recordings.toRealPath();
    // A directory that was made anew at the same path is another one.
    Object identity = Files.readAttributes(real, BasicFileAttributes.class).fileKey();
    return SHARED_MEMORY.resolve(PREFIX + digest(real + " " + identity));
  }

  /** Everybody may make directories there; one that somebody else made is not used. */
  private static boolean isOurs(Path directory) {
    try {
      PosixFileAttributes attributes =
          Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      return attributes.isDirectory()
          && attributes.permissions().equals(OWNER_ONLY)
          && attributes.owner().equals(Files.getOwner(OWN_PROCESS));
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }

  private static String digest(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
