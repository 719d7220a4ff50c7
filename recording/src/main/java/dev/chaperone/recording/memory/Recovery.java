package dev.chaperone.recording.memory;

import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.Space;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Brings to the disk what sessions whose gateway was killed had written to memory and not to the
 * disk. Their recordings are valid afterwards, and not sealed: nobody can vouch for more than was
 * there. Sessions whose gateway lives are left alone.
 */
public final class Recovery {
  /** Where a segment's header says how long it is. */
  private static final int HEADER_LENGTH_AT = 10;

  /** No segment is that long; what says so would make a file of any size. */
  private static final long FURTHEST_START = 2 * SessionFiles.SEGMENT_BYTES;

  /**
   * What became of one session.
   *
   * @param bytes how much was in memory; some of it may have been on the disk before
   * @param failure why it could not be brought to the disk; it stays in memory then
   */
  public record Recovered(String session, long bytes, Optional<IOException> failure) {
    /** Checks nothing; all values are possible. */
    public Recovered {}
  }

  /** Something is in a window, and nobody here can say what. */
  private static final class UnreadableWindowException extends IOException {
    private static final long serialVersionUID = 1;

    UnreadableWindowException(Path window, String why) {
      super(window + " " + why);
    }
  }

  private final Path recordings;

  /**
   * Of these recordings.
   *
   * @param recordings holds a directory for each session
   */
  public Recovery(Path recordings) {
    this.recordings = recordings;
  }

  /**
   * Brings it there.
   *
   * @return one for each session that had something in memory
   * @throws IOException when the memory cannot be looked at
   */
  public List<Recovered> run() throws IOException {
    List<Recovered> recovered = new ArrayList<>();
    for (JournalMemory memory : JournalMemory.find(recordings)) {
      run(memory, recovered);
    }
    return recovered;
  }

  private void run(JournalMemory memory, List<Recovered> recovered) throws IOException {
    try (DirectoryStream<Path> sessions = Files.newDirectoryStream(memory.directory())) {
      for (Path session : sessions) {
        String name = session.getFileName().toString();
        try {
          if (SessionFiles.isSessionName(name) && Files.isDirectory(session)) {
            OptionalLong bytes = recover(session, recordings.resolve(name));
            bytes.ifPresent(some -> recovered.add(new Recovered(name, some, Optional.empty())));
          }
        } catch (IOException e) {
          recovered.add(new Recovered(name, 0, Optional.of(e)));
        }
      }
    }
  }

  private static OptionalLong recover(Path session, Path recording) throws IOException {
    Optional<SessionMemory> left = SessionMemory.open(session);
    if (left.isEmpty()) {
      return OptionalLong.empty();
    }
    if (!Files.isDirectory(recording)) {
      // Somebody deleted it: what belongs to it has no place any more.
      left.get().delete();
      throw new NoSuchFileException(recording.toString());
    }
    long bytes = 0;
    try {
      IOException unread = null;
      for (Path window : left.get().windows()) {
        try {
          bytes += copy(window, recording);
        } catch (UnreadableWindowException e) {
          unread = e;
        }
      }
      if (unread != null) {
        throw unread;
      }
    } catch (IOException e) {
      left.get().abandon();
      throw e;
    }
    left.get().delete();
    return OptionalLong.of(bytes);
  }

  /** Writes what a window holds where it belongs. */
  private static int copy(Path window, Path recording) throws IOException {
    if (Files.size(window) > WindowLayout.FILE_BYTES) {
      throw new UnreadableWindowException(window, "is longer than a window");
    }
    byte[] content = Files.readAllBytes(window);
    ByteBuffer in = ByteBuffer.wrap(content);
    if (content.length < Long.BYTES || in.getLong(0) == 0) {
      // Not begun yet, or given back already.
      return 0;
    }
    if (content.length != WindowLayout.FILE_BYTES || in.getLong(0) != WindowLayout.IN_USE) {
      throw new UnreadableWindowException(window, "is no window of this version");
    }
    long segment = in.getLong(WindowLayout.SEGMENT);
    long start = in.getLong(WindowLayout.START);
    if (segment < 1 || segment > SessionFiles.MAX_SEGMENTS || start < 0 || start > FURTHEST_START) {
      throw new UnreadableWindowException(window, "belongs nowhere");
    }
    int end = end(in, start);
    if (end == WindowLayout.DATA) {
      return 0;
    }
    in.position(WindowLayout.DATA).limit(end);
    try (FileChannel file =
        FileChannel.open(
            recording.resolve(SessionFiles.segmentName((int) segment)),
            Set.<OpenOption>of(
                StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      for (long at = start; in.hasRemaining(); ) {
        at += file.write(in, at);
      }
      file.force(true);
    }
    return end - WindowLayout.DATA;
  }

  /** Behind the last whole frame. */
  private static int end(ByteBuffer in, long start) {
    int at = WindowLayout.DATA;
    if (start == 0) {
      if (in.getLong(at) == 0) {
        return at;
      }
      at += Short.toUnsignedInt(in.getShort(at + HEADER_LENGTH_AT));
    }
    while (at + Integer.BYTES <= in.capacity()) {
      int length = in.getInt(at);
      if (length <= 0 || length > Space.MAX_FRAME_BYTES || length > in.capacity() - at) {
        break;
      }
      at += length;
    }
    return at;
  }
}
