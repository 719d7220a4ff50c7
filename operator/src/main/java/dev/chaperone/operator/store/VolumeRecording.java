package dev.chaperone.operator.store;

import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.SessionFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * The files of a recording on the volume, as they are read while the recording arrives: never more
 * of them than was verified.
 */
final class VolumeRecording implements StoredRecording {
  private static final Set<String> NAMES = Set.of(PublicKeyFile.NAME, CountersignedHead.FILE_NAME);

  private final Path directory;

  /** Nobody writes who does not have it. */
  private final Object lock;

  VolumeRecording(Path directory, Object lock) {
    this.directory = directory;
    this.lock = lock;
  }

  @Override
  public long bytes(String name) throws IOException {
    synchronized (lock) {
      try {
        return Files.size(file(name));
      } catch (NoSuchFileException e) {
        return 0;
      }
    }
  }

  @Override
  public Source open(String name) throws IOException {
    FileChannel channel =
        FileChannel.open(file(name), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
    return new Source() {
      @Override
      public int read(ByteBuffer into, long at) throws IOException {
        return channel.read(into, at);
      }

      @Override
      public void close() throws IOException {
        channel.close();
      }
    };
  }

  @Override
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
