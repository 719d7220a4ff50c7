package dev.chaperone.operator.store;

import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.SessionFiles;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * The files of a recording in the store, as they are read while the recording arrives: never more
 * of them than was verified. They only become longer.
 */
public final class StoredRecording {
  private static final Set<String> NAMES = Set.of(PublicKeyFile.NAME, CountersignedHead.FILE_NAME);

  private final Path directory;

  /** Nobody writes who does not have it. */
  private final Object lock;

  StoredRecording(Path directory, Object lock) {
    this.directory = directory;
    this.lock = lock;
  }

  /** How long a segment is by now; 0 where it is not begun. */
  public long segmentBytes(int segment) throws IOException {
    return segment > SessionFiles.MAX_SEGMENTS ? 0 : bytes(SessionFiles.segmentName(segment));
  }

  /**
   * How long a file is by now; 0 where there is none.
   *
   * @param name of a segment, of the public key or of the countersigned heads
   */
  public long bytes(String name) throws IOException {
    synchronized (lock) {
      try {
        return Files.size(file(name));
      } catch (NoSuchFileException e) {
        return 0;
      }
    }
  }

  /** Opens a file for reading; up to the length that it has, nothing of it changes any more. */
  public FileChannel open(String name) throws IOException {
    return FileChannel.open(file(name), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
  }

  /** The key that is beside it. */
  public PublicKeyFile key() throws IOException {
    return PublicKeyFile.read(file(PublicKeyFile.NAME));
  }

  private Path file(String name) {
    if (!NAMES.contains(name) && !SessionFiles.isSegmentName(name)) {
      throw new IllegalArgumentException("not a file of a recording");
    }
    return directory.resolve(name);
  }
}
