package dev.chaperone.recording.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecoveryTest {
  private static final byte[] FRAMES = frames(40, 60, 100);

  @TempDir Path temporary;

  private Path recordings;
  private Path segment;
  private JournalMemory memory;

  @BeforeEach
  void make() throws IOException {
    recordings = Files.createDirectory(temporary.resolve("recordings"));
    segment = Files.createDirectory(recordings.resolve("s")).resolve("000002.seg");
    memory = JournalMemory.make(recordings);
  }

  @AfterEach
  void remove() throws IOException {
    memory.discard();
    assertThat(memory.directory()).doesNotExist();
  }

  /** Frames of these lengths: four bytes of length, and something behind them. */
  private static byte[] frames(int... lengths) {
    ByteBuffer frames = ByteBuffer.allocate(Arrays.stream(lengths).sum());
    for (int length : lengths) {
      byte[] frame = new byte[length];
      Arrays.fill(frame, (byte) length);
      frames.put(ByteBuffer.wrap(frame).putInt(0, length));
    }
    return frames.array();
  }

  private static byte[] window(long mark, long segment, long start, byte[] content) {
    return ByteBuffer.allocate(WindowLayout.FILE_BYTES)
        .putLong(0, mark)
        .putLong(WindowLayout.SEGMENT, segment)
        .putLong(WindowLayout.START, start)
        .put(WindowLayout.DATA, content)
        .array();
  }

  private void leave(String session, byte[]... windows) throws IOException {
    SessionMemory left = SessionMemory.create(memory, session);
    for (byte[] window : windows) {
      Files.write(left.newWindow(), window);
    }
    left.abandon();
  }

  private List<Recovery.Recovered> recover() throws IOException {
    return new Recovery(recordings).run();
  }

  @Test
  void wholeFramesGoWhereTheyBelongAndNothingElseChanges() throws IOException {
    Files.write(segment, new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
    byte[] torn = Arrays.copyOf(FRAMES, FRAMES.length + 20);
    torn[FRAMES.length + 10] = 1; // A frame whose length was not written yet.
    leave("s", window(WindowLayout.IN_USE, 2, 4, torn));
    assertThat(recover())
        .singleElement()
        .satisfies(
            one -> {
              assertThat(one.session()).isEqualTo("s");
              assertThat(one.bytes()).isEqualTo(FRAMES.length);
              assertThat(one.failure()).isEmpty();
            });
    byte[] expected = new byte[4 + FRAMES.length];
    System.arraycopy(new byte[] {1, 2, 3, 4}, 0, expected, 0, 4);
    System.arraycopy(FRAMES, 0, expected, 4, FRAMES.length);
    assertThat(Files.readAllBytes(segment)).isEqualTo(expected);
    assertThat(memory.directory().resolve("s")).doesNotExist();
    assertThat(recover()).isEmpty();
  }

  @Test
  void aSessionWhoseProcessLivesIsLeftAlone() throws IOException {
    SessionMemory living = SessionMemory.create(memory, "s");
    Files.write(living.newWindow(), window(WindowLayout.IN_USE, 2, 0, FRAMES));
    assertThat(recover()).isEmpty();
    assertThat(segment).doesNotExist();
    living.abandon();
    assertThat(recover()).hasSize(1);
    assertThat(segment).exists();
  }

  @Test
  void whatIsNotBegunOrGivenBackIsNothing() throws IOException {
    leave("s", window(0, 2, 4, FRAMES), new byte[100], new byte[0]);
    assertThat(recover())
        .singleElement()
        .satisfies(
            one -> {
              assertThat(one.bytes()).isZero();
              assertThat(one.failure()).isEmpty();
            });
    assertThat(segment).doesNotExist();
  }

  @Test
  void whatCannotBeReadStaysInMemoryAndIsToldAndKeepsNothingElseFromTheDisk() throws IOException {
    List<byte[]> unreadable =
        List.of(
            window(WindowLayout.IN_USE + 1, 2, 4, FRAMES),
            window(WindowLayout.IN_USE, 0, 4, FRAMES),
            window(WindowLayout.IN_USE, 1_000_000, 4, FRAMES),
            window(WindowLayout.IN_USE, 2, -4, FRAMES),
            window(WindowLayout.IN_USE, 2, 1L << 40, FRAMES),
            Arrays.copyOf(window(WindowLayout.IN_USE, 2, 4, FRAMES), 100),
            Arrays.copyOf(window(WindowLayout.IN_USE, 2, 4, FRAMES), WindowLayout.FILE_BYTES + 1));
    for (byte[] window : unreadable) {
      leave("s", window, window(WindowLayout.IN_USE, 2, 0, new byte[0]));
      for (int i = 0; i < 2; i++) {
        assertThat(recover())
            .singleElement()
            .satisfies(one -> assertThat(one.failure()).isPresent());
      }
      memory.discard();
      memory = JournalMemory.make(recordings);
    }
    leave("s", unreadable.get(0), window(WindowLayout.IN_USE, 2, 4, FRAMES));
    assertThat(recover()).singleElement().satisfies(one -> assertThat(one.failure()).isPresent());
    assertThat(segment).hasSize(4 + FRAMES.length);
  }

  @Test
  void framesOfHostileLengthsAreNotWritten() throws IOException {
    leave(
        "s",
        window(WindowLayout.IN_USE, 2, 4, new byte[] {0x7f, -1, -1, -1}),
        window(WindowLayout.IN_USE, 2, 4, new byte[] {-1, -1, -1, -4}));
    assertThat(recover()).singleElement().satisfies(one -> assertThat(one.bytes()).isZero());
    assertThat(segment).doesNotExist();
  }

  @Test
  void whatAnEarlierRunLeftBesideTheRecordingsIsBroughtToTheDiskToo() throws IOException {
    Files.setPosixFilePermissions(memory.directory(), PosixFilePermissions.fromString("rwxrwxrwx"));
    SessionMemory left = SessionMemory.create(JournalMemory.make(recordings), "s");
    Files.write(left.newWindow(), window(WindowLayout.IN_USE, 2, 4, FRAMES));
    left.abandon();
    Files.setPosixFilePermissions(memory.directory(), PosixFilePermissions.fromString("rwx------"));
    assertThat(recover()).hasSize(1);
    assertThat(segment).hasSize(4 + FRAMES.length);
  }

  @Test
  void anyBytesAreTakenWithoutAnError() throws IOException {
    Random random = new Random(7);
    for (int i = 0; i < 50; i++) {
      byte[] window = window(WindowLayout.IN_USE, 2, random.nextInt(2), new byte[0]);
      byte[] noise = new byte[500];
      random.nextBytes(noise);
      System.arraycopy(noise, 0, window, WindowLayout.DATA, noise.length);
      leave("s", window);
      assertThat(recover()).allSatisfy(one -> assertThat(one.failure()).isEmpty());
    }
  }

  @Test
  void whatBelongsToADeletedRecordingIsGivenUpAndToldOnce() throws IOException {
    leave("gone", window(WindowLayout.IN_USE, 1, 0, FRAMES));
    assertThat(recover()).singleElement().satisfies(one -> assertThat(one.failure()).isPresent());
    assertThat(recover()).isEmpty();
  }

  @Test
  void whatCannotBeWrittenStaysInMemory() throws IOException {
    Files.createDirectory(segment);
    leave("s", window(WindowLayout.IN_USE, 2, 4, FRAMES));
    assertThat(recover()).singleElement().satisfies(one -> assertThat(one.failure()).isPresent());
    Files.delete(segment);
    assertThat(recover()).singleElement().satisfies(one -> assertThat(one.failure()).isEmpty());
    assertThat(segment).exists();
  }

  @Test
  void memoryThatOthersCanWriteToIsNotUsed() throws IOException {
    Files.setPosixFilePermissions(memory.directory(), PosixFilePermissions.fromString("rwxrwxrwx"));
    JournalMemory other = JournalMemory.make(recordings);
    assertThat(other.isShared()).isFalse();
    assertThat(other.directory()).isEqualTo(temporary.toRealPath().resolve("journal"));
    Files.setPosixFilePermissions(memory.directory(), PosixFilePermissions.fromString("rwx------"));
  }

  @Test
  void memoryOfRecordingsThatAreGoneIsGivenBack() throws IOException {
    Path deleted = Files.createDirectory(temporary.resolve("deleted"));
    JournalMemory forgotten = JournalMemory.make(deleted);
    SessionMemory left = SessionMemory.create(forgotten, "s");
    Files.write(left.newWindow(), window(WindowLayout.IN_USE, 1, 0, FRAMES));
    left.abandon();
    Files.delete(deleted);
    Path nobodys =
        JournalMemory.make(Files.createDirectory(temporary.resolve("nobodys"))).directory();
    JournalMemory.make(recordings);
    assertThat(forgotten.directory()).as("for an hour it may come back").exists();
    Files.setLastModifiedTime(
        forgotten.directory().resolve("recordings"),
        FileTime.from(Instant.now().minusSeconds(4_000)));
    Files.delete(nobodys.resolve("recordings"));
    Files.setLastModifiedTime(nobodys, FileTime.from(Instant.now().minusSeconds(4_000)));
    JournalMemory.make(recordings);
    assertThat(forgotten.directory()).doesNotExist();
    assertThat(nobodys).doesNotExist();
  }

  @Test
  void memoryIsTheOwnersAloneAndAnotherForEachDirectory() throws IOException {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(memory.directory())))
        .isEqualTo("rwx------");
    assertThat(JournalMemory.find(recordings))
        .extracting(JournalMemory::directory)
        .containsExactly(memory.directory());
    Path other = Files.createDirectory(temporary.resolve("other"));
    assertThat(JournalMemory.find(other)).isEmpty();
    Files.setPosixFilePermissions(memory.directory(), PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(JournalMemory.find(recordings)).isEmpty();
    Files.setPosixFilePermissions(memory.directory(), PosixFilePermissions.fromString("rwx------"));
  }
}
