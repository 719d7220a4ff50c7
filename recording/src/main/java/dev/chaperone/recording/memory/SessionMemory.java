package dev.chaperone.recording.memory;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;

/**
 * Where the windows of one session are: a directory of its name, with a file that is locked for as
 * long as the session's process lives.
 */
public final class SessionMemory {
  private static final String LOCK = "lock";

  private final Path directory;
  private final FileChannel channel;
  private final FileLock lock;
  private int windows;

  private SessionMemory(Path directory, FileChannel channel, FileLock lock) {
    this.directory = directory;
    this.channel = channel;
    this.lock = lock;
  }

  /** Makes the directory of a session that begins. */
  public static SessionMemory create(JournalMemory memory, String session) throws IOException {
    Path directory = memory.directory().resolve(session);
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    return open(directory)
        .orElseThrow(() -> new IOException(directory + ": belongs to another process"));
  }

  /** Takes over a directory; empty where its process lives. */
  static Optional<SessionMemory> open(Path directory) throws IOException {
    FileChannel channel =
        FileChannel.open(
            directory.resolve(LOCK),
            EnumSet.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return Optional.of(new SessionMemory(directory, channel, lock));
      }
    } catch (OverlappingFileLockException e) {
      // It is a session of this process.
    }
    channel.close();
    return Optional.empty();
  }

  /** Where the next window is to be made. */
  public Path newWindow() {
    return directory.resolve("window" + windows++);
  }

  List<Path> windows() throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, "window*")) {
      entries.forEach(files::add);
    }
    return files;
  }

  /** Gives the directory back; everything of it is on the disk. */
  public void delete() throws IOException {
    for (Path window : windows()) {
      Files.deleteIfExists(window);
    }
    Files.deleteIfExists(directory.resolve(LOCK));
    Files.deleteIfExists(directory);
    lock.release();
    channel.close();
  }

  /** Leaves it for the next run. */
  public void abandon() throws IOException {
    lock.release();
    channel.close();
  }
}
