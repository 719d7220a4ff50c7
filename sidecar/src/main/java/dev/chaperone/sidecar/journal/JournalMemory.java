package dev.chaperone.sidecar.journal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
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
import java.util.Set;

/** Finds memory that outlives the process: a file system that is memory. */
final class JournalMemory {
  private static final System.Logger LOGGER = System.getLogger(JournalMemory.class.getName());
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");

  /** Owned by the user that this process runs as. */
  private static final Path OWN_PROCESS = Path.of("/proc/self");

  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  private JournalMemory() {}

  /**
   * The directory for the windows of these recordings, the same one in every run. Where the machine
   * has no such file system it is a directory beside the recordings; a disk that does not answer
   * can then make an event loop wait.
   */
  static Path of(Path recordings) throws IOException {
    Path real = recordings.toRealPath();
    if (Files.isDirectory(SHARED_MEMORY) && Files.isWritable(SHARED_MEMORY)) {
      // A directory that was made anew at the same path is another one.
      Object identity = Files.readAttributes(real, BasicFileAttributes.class).fileKey();
      Path own = SHARED_MEMORY.resolve("chaperone-" + digest(real + " " + identity));
      if (isOurs(own)) {
        return own;
      }
    }
    LOGGER.log(
        System.Logger.Level.WARNING,
        "no memory for the journal in {0}, a disk is used: if it does not answer, clients wait",
        SHARED_MEMORY);
    Path beside = real.resolveSibling("journal");
    Files.createDirectories(beside, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    return beside;
  }

  /** Everybody may make directories there; one that somebody else made is not used. */
  private static boolean isOurs(Path directory) {
    try {
      try {
        Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
      } catch (FileAlreadyExistsException e) {
        // Of an earlier run, or of somebody else: see below.
      }
      PosixFileAttributes attributes =
          Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      return attributes.isDirectory()
          && attributes.permissions().equals(OWNER_ONLY)
          && attributes.owner().equals(Files.getOwner(OWN_PROCESS));
    } catch (IOException e) {
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
