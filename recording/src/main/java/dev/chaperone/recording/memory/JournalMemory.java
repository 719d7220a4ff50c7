package dev.chaperone.recording.memory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;

/** Finds the directory whose files are the memory of the sessions recorded in another one. */
public final class JournalMemory {
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");

  /** Owned by the user that this process runs as. */
  private static final Path OWN_PROCESS = Path.of("/proc/self");

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
        return new JournalMemory(own, true);
      }
    }
    Path beside = beside(recordings);
    Files.createDirectories(beside, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    return new JournalMemory(beside, false);
  }

  /** The memory that a gateway left, where it did and this user may look into it. */
  public static Optional<JournalMemory> find(Path recordings) throws IOException {
    Path own = inSharedMemory(recordings);
    if (isOurs(own)) {
      return Optional.of(new JournalMemory(own, true));
    }
    Path beside = beside(recordings);
    return isOurs(beside) ? Optional.of(new JournalMemory(beside, false)) : Optional.empty();
  }

  /** The directory. */
  public Path directory() {
    return directory;
  }

  /** Whether it is memory; otherwise a disk that does not answer makes those wait who record. */
  public boolean isShared() {
    return shared;
  }

  private static Path beside(Path recordings) throws IOException {
    return recordings.toRealPath().resolveSibling("journal");
  }

  private static Path inSharedMemory(Path recordings) throws IOException {
    Path real = recordings.toRealPath();
    // A directory that was made anew at the same path is another one.
    Object identity = Files.readAttributes(real, BasicFileAttributes.class).fileKey();
    return SHARED_MEMORY.resolve("chaperone-" + digest(real + " " + identity));
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
