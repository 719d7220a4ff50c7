package dev.chaperone.sidecar.journal;

import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.Space;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * Brings to the disk what sessions that were killed had written to memory and not to the disk.
 * Their recordings are valid afterwards, and not sealed: nobody can vouch for more than was there.
 */
final class Recovery {
  private static final System.Logger LOGGER = System.getLogger(Recovery.class.getName());

  /** Where a segment's header says how long it is. */
  private static final int HEADER_LENGTH_AT = 10;

  private final Path memory;
  private final Path recordings;

  Recovery(Path memory, Path recordings) {
    this.memory = memory;
    this.recordings = recordings;
  }

  /** Sessions whose process lives are left alone; what cannot be brought to the disk stays. */
  void run() {
    try (DirectoryStream<Path> sessions = Files.newDirectoryStream(memory)) {
      for (Path session : sessions) {
        try {
          recover(session);
        } catch (IOException e) {
          LOGGER.log(
              System.Logger.Level.ERROR,
              "what was recorded last could not be brought to the disk session={0} cause={1}",
              session.getFileName(),
              e.getMessage());
        }
      }
    } catch (IOException e) {
      LOGGER.log(
          System.Logger.Level.ERROR,
          "the journal's memory cannot be read: {0}",
          e.getClass().getSimpleName());
    }
  }

  private void recover(Path session) throws IOException {
    String name = session.getFileName().toString();
    if (!SessionFiles.isSessionName(name) || !Files.isDirectory(session)) {
      return;
    }
    Optional<SessionMemory> left = SessionMemory.open(session);
    if (left.isEmpty()) {
      return;
    }
    Path recording = recordings.resolve(name);
    if (!Files.isDirectory(recording)) {
      left.get().delete();
      LOGGER.log(
          System.Logger.Level.WARNING,
          "the recording of a killed session is not there any more session={0}",
          name);
      return;
    }
    long bytes = 0;
    try {
      for (Path window : left.get().windows()) {
        bytes += copy(window, recording);
      }
    } catch (IOException e) {
      left.get().abandon();
      throw e;
    }
    left.get().delete();
    LOGGER.log(
        System.Logger.Level.INFO,
        "recording of a killed session recovered session={0} bytes={1}",
        name,
        bytes);
  }

  /** Writes what a window holds where it belongs; most of it is there already. */
  private static int copy(Path window, Path recording) throws IOException {
    byte[] content = Files.readAllBytes(window);
    if (content.length != Window.FILE_BYTES) {
      return 0;
    }
    ByteBuffer in = ByteBuffer.wrap(content);
    long segment = in.getLong(8);
    long start = in.getLong(16);
    if (in.getLong(0) != Window.IN_USE
        || segment < 1
        || segment > SessionFiles.MAX_SEGMENTS
        || start < 0) {
      return 0;
    }
    int end = end(in, start);
    if (end == Window.DATA) {
      return 0;
    }
    int number = (int) segment;
    SegmentFile file =
        SegmentFile.open(recording.resolve(SessionFiles.segmentName(number)), number);
    try {
      file.write(ByteBuffer.wrap(Arrays.copyOfRange(content, Window.DATA, end)), start);
      file.force();
    } finally {
      file.close();
    }
    return end - Window.DATA;
  }

  /** Behind the last whole frame. */
  private static int end(ByteBuffer in, long start) {
    int at = Window.DATA;
    if (start == 0) {
      if (in.getLong(at) == 0) {
        return at;
      }
      at += in.getShort(at + HEADER_LENGTH_AT);
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
