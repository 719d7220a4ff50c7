package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Payloads of one segment, each with its type and length in front: what is read is shown on one
 * line without control characters, and no more is defined than was sent.
 */
class EventDecoderFuzzTest extends FuzzTest {
  private static final int TYPES = 32;
  private static final int WIDTH = 100;

  @Override
  protected List<byte[]> seeds() throws Exception {
    Path directory = temporaryDirectory();
    RecordingKey key = RecordingKey.generate();
    SessionUnderTest.small(directory.resolve("orders-db-1"), key);
    MaskedSession.honest(directory.resolve("orders-db-2"), key);
    List<byte[]> seeds = new ArrayList<>();
    for (String segment :
        List.of(
            "orders-db-1/000001.seg",
            "orders-db-1/000002.seg",
            "orders-db-1/000003.seg",
            "orders-db-2/000001.seg")) {
      seeds.add(payloads(directory.resolve(segment)));
    }
    return seeds;
  }

  private static byte[] payloads(Path segment) throws Exception {
    ByteArrayOutputStream payloads = new ByteArrayOutputStream();
    try (SegmentReader reader = new SegmentReader(segment)) {
      reader.header();
      for (Frame frame = reader.next(); frame != null; frame = reader.next()) {
        if (!Format.isSigned(frame.type())) {
          byte[] payload = frame.payload().toArray();
          payloads.write(frame.type());
          payloads.write(payload.length >> 8);
          payloads.write(payload.length);
          payloads.writeBytes(payload);
        }
      }
    }
    return payloads.toByteArray();
  }

  @Override
  protected void fuzz(byte[] input) {
    FuzzInput in = new FuzzInput(input);
    EventDecoder decoder = new EventDecoder();
    Timeline timeline = new Timeline(WIDTH);
    JsonLines json = new JsonLines();
    long number = 0;
    while (!in.isEmpty()) {
      Optional<Event> event;
      try {
        int type = in.octet() % TYPES;
        event = decoder.read(type, Bytes.of(in.bytes(in.below(1 << 16))));
      } catch (MalformedRecordingException e) {
        return;
      }
      assertThat(decoder.definitionBytes()).isLessThanOrEqualTo(input.length);
      if (event.isPresent()) {
        RecordedEvent recorded = new RecordedEvent(++number, number, event.get());
        assertThat(timeline.line(recorded).chars()).noneMatch(Character::isISOControl);
        assertThat(json.line(recorded).chars()).noneMatch(Character::isISOControl);
      }
    }
  }
}
