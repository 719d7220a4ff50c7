package dev.chaperone.recording.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import dev.chaperone.recording.SessionFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Memory that a killed gateway left, whatever is in it: what was on the disk before the place it
 * says stays as it was, nothing appears but a segment, and a window that says nothing sensible is
 * kept for somebody to look at.
 */
class RecoveryFuzzTest extends FuzzTest {
  private static final byte[] BEFORE = {1, 2, 3, 4, 5, 6, 7, 8};

  private final Path recordings;
  private final Path session;

  RecoveryFuzzTest() throws IOException {
    recordings = Files.createDirectory(temporaryDirectory().resolve("recordings"));
    session = Files.createDirectory(recordings.resolve("s"));
  }

  /** Mark, segment and start of a window, and its frames. */
  @Override
  protected List<byte[]> seeds() {
    byte[] frame = ByteBuffer.allocate(40).putInt(40).array();
    return List.of(
        window(WindowLayout.IN_USE, 2, 4, frame),
        window(WindowLayout.IN_USE, 1, 0, frame),
        window(0, 1, 0, frame),
        window(WindowLayout.IN_USE, 0, -1, frame),
        window(WindowLayout.IN_USE, 999_999, Long.MAX_VALUE, frame),
        window(~WindowLayout.IN_USE, 1, 8, frame));
  }

  private static byte[] window(long mark, long segment, long start, byte[] content) {
    return ByteBuffer.allocate(3 * Long.BYTES + content.length)
        .putLong(mark)
        .putLong(segment)
        .putLong(start)
        .put(content)
        .array();
  }

  @Override
  protected void fuzz(byte[] input) throws IOException {
    Path segment = session.resolve("000002.seg");
    Files.write(segment, BEFORE);
    byte[] window = new byte[WindowLayout.FILE_BYTES];
    FuzzInput in = new FuzzInput(input);
    byte[] header = in.bytes(3 * Long.BYTES);
    System.arraycopy(header, 0, window, 0, header.length);
    byte[] frames = in.rest();
    System.arraycopy(frames, 0, window, WindowLayout.DATA, frames.length);
    JournalMemory memory = JournalMemory.make(recordings);
    try {
      SessionMemory left = SessionMemory.create(memory, "s");
      Files.write(left.newWindow(), window);
      left.abandon();
      Recovery.Recovered recovered = new Recovery(recordings).run().get(0);
      assertThat(recovered.bytes()).isBetween(0L, (long) window.length);
      assertThat(Files.exists(memory.directory().resolve("s")))
          .isEqualTo(recovered.failure().isPresent());
      long start = ByteBuffer.wrap(window).getLong(WindowLayout.START);
      assertThat(Files.size(segment)).isLessThan(3 * SessionFiles.SEGMENT_BYTES);
      int kept = (int) Math.max(0, Math.min(start, BEFORE.length));
      try (InputStream content = Files.newInputStream(segment)) {
        assertThat(content.readNBytes(kept)).isEqualTo(Arrays.copyOf(BEFORE, kept));
      }
    } finally {
      memory.discard();
    }
    try (Stream<Path> files = Files.list(session)) {
      for (Path file : files.toList()) {
        assertThat(file.getFileName().toString()).matches("[0-9]{6}\\.seg");
        Files.delete(file);
      }
    }
  }
}
