package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The one segment of a sealed recording, changed at a place and cut off at another: whoever reads,
 * verifies or receives it says what is wrong, and nothing that was changed counts as sealed.
 */
class RecordingFilesFuzzTest extends FuzzTest {
  private static final String SESSION = "orders-db-1";
  private static final RecordingKey KEY = RecordingKey.generate();

  private final Path directory;
  private final Path segment;
  private final byte[] honest;

  RecordingFilesFuzzTest() throws IOException {
    directory = temporaryDirectory().resolve(SESSION);
    SessionUnderTest session = new SessionUnderTest(directory, SESSION, KEY);
    session.opened(Optional.empty());
    session.query("SELECT id, note FROM tickets WHERE id = 1", Event.Verdict.ALLOWED);
    session.checkpoint();
    session.query("DROP TABLE tickets", Event.Verdict.DENIED);
    session.seal("closed");
    segment = directory.resolve("000001.seg");
    honest = Files.readAllBytes(segment);
  }

  /** Where a change begins, how much goes, what is put there, and what is left at the end. */
  @Override
  protected List<byte[]> seeds() {
    return texts(
        "\0\0\0\0\0\0", "\0\20\0\1\0\0x", "\0\300\0\4\0\0\0\0\0\1", "\1\0\0\0\0\60\377\377");
  }

  @Override
  protected void fuzz(byte[] input) throws Exception {
    FuzzInput in = new FuzzInput(input);
    int from = in.below(honest.length + 1);
    int to = Math.min(honest.length, from + in.below(64));
    int end = in.below(honest.length + 1);
    byte[] by = in.rest();
    byte[] changed = new byte[from + by.length + honest.length - to];
    System.arraycopy(honest, 0, changed, 0, from);
    System.arraycopy(by, 0, changed, from, by.length);
    System.arraycopy(honest, to, changed, from + by.length, honest.length - to);
    byte[] content = Arrays.copyOf(changed, Math.max(0, changed.length - end));
    Files.write(segment, content);
    Verification verification = Verifier.verify(directory, KEY.publicKey(), Optional.empty());
    if (!Arrays.equals(content, honest)) {
      assertThat(verification).isNotInstanceOf(Verification.Sealed.class);
    }
    boolean broken = verification instanceof Verification.Broken;
    int events = read();
    if (!broken) {
      assertThat(events).isNotNegative();
    }
    try {
      ArrivingRecording arriving = ArrivingRecording.begin(SESSION, KEY.publicKey());
      arriving.accept(Position.START, Bytes.of(content));
      assertThat(arriving.isSealed()).isEqualTo(Arrays.equals(content, honest));
    } catch (BrokenRecordingException e) {
      assertThat(content).isNotEqualTo(honest);
    }
  }

  /** How many events are read; less than none where the recording is broken or no recording. */
  private int read() {
    int events = 0;
    try (SessionReader reader = new SessionReader(directory)) {
      while (reader.next().isPresent()) {
        events++;
      }
      return events;
    } catch (IOException | MalformedRecordingException e) {
      return -1;
    }
  }
}
