package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The file of countersigned heads: what is read is written as it stood. */
class CountersignedHeadFuzzTest extends FuzzTest {
  private static final RecordingKey KEY = RecordingKey.generate();

  private final Path file;

  CountersignedHeadFuzzTest() throws IOException {
    file = temporaryDirectory().resolve(CountersignedHead.FILE_NAME);
  }

  @Override
  protected List<byte[]> seeds() {
    CountersignedHead head =
        new CountersignedHead(
            "pod-uid",
            "orders-db-1",
            KEY.publicKey().id(),
            KEY.publicKey().id(),
            SessionUnderTest.START,
            new Head(3, KEY.publicKey().id()),
            700);
    byte[] one = head.encode(KEY.sign(head));
    byte[] two = Arrays.copyOf(one, 2 * one.length);
    System.arraycopy(one, 0, two, one.length, one.length);
    return List.of(one, two, Arrays.copyOf(one, one.length + 40));
  }

  @Override
  protected void fuzz(byte[] input) throws IOException {
    Files.write(file, input);
    int read = 0;
    try (CountersignatureReader reader = new CountersignatureReader(file)) {
      for (Optional<CountersignatureReader.Countersignature> next = reader.next();
          next.isPresent();
          next = reader.next()) {
        byte[] entry = next.get().signed().encode(next.get().signature());
        assertThat(Arrays.copyOfRange(input, read, read + entry.length)).isEqualTo(entry);
        read += entry.length;
        assertThat(next.get().isOf(KEY.publicKey())).isIn(true, false);
      }
    } catch (MalformedRecordingException e) {
      assertThat(e).hasMessageNotContaining("\n");
    }
  }
}
