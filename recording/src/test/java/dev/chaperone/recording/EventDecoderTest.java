package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Payloads whose hash is right and whose content is anything. */
class EventDecoderTest {
  private record Payload(int type, Bytes bytes) {}

  @TempDir Path temporary;

  private List<Payload> payloads() throws Exception {
    Path directory = temporary.resolve("orders-db-1");
    SessionUnderTest.small(directory, RecordingKey.generate());
    return payloads(directory);
  }

  private List<Payload> payloadsUnderMasks() throws Exception {
    Path directory = temporary.resolve("orders-db-2");
    MaskedSession.honest(directory, RecordingKey.generate());
    return payloads(directory);
  }

  private static List<Payload> payloads(Path directory) throws Exception {
    List<Payload> payloads = new ArrayList<>();
    try (SegmentReader reader = new SegmentReader(directory.resolve("000001.seg"))) {
      reader.header();
      for (Frame frame = reader.next(); frame != null; frame = reader.next()) {
        if (!Format.isSigned(frame.type())) {
          payloads.add(new Payload(frame.type(), frame.payload()));
        }
      }
    }
    return payloads;
  }

  @Test
  void anythingIsReadOrRefused() throws Exception {
    anythingIsReadOrRefused(payloads());
  }

  @Test
  void anythingUnderMasksIsReadOrRefused() throws Exception {
    anythingIsReadOrRefused(payloadsUnderMasks());
  }

  private static void anythingIsReadOrRefused(List<Payload> payloads) {
    Random random = new Random(11);
    int read = 0;
    int refused = 0;
    Timeline timeline = new Timeline(100);
    JsonLines json = new JsonLines();
    for (int round = 0; round < 20_000; round++) {
      EventDecoder decoder = new EventDecoder();
      for (Payload payload : payloads) {
        byte[] bytes = payload.bytes().toArray();
        int type = payload.type();
        for (int change = random.nextInt(4); change > 0 && bytes.length > 0; change--) {
          switch (random.nextInt(4)) {
            case 0 -> bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            case 1 -> bytes[random.nextInt(bytes.length)] = (byte) 0xff;
            case 2 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 8));
            default -> type = random.nextInt(32);
          }
        }
        try {
          long number = ++read;
          decoder
              .read(type, Bytes.of(bytes))
              .ifPresent(
                  event -> {
                    RecordedEvent recorded = new RecordedEvent(number, random.nextLong(), event);
                    assertThat(timeline.line(recorded)).doesNotContain("\n");
                    assertThat(json.line(recorded)).doesNotContain("\n");
                  });
        } catch (MalformedRecordingException e) {
          refused++;
        }
      }
    }
    assertThat(refused).isGreaterThan(1_000).isLessThan(read);
  }

  @Test
  void whatASegmentDefinesIsBounded() throws Exception {
    EventDecoder decoder = new EventDecoder();
    PayloadWriter out = new PayloadWriter();
    byte[] part = new byte[Format.TEXT_PART_BYTES];
    int accepted = 0;
    try {
      while (accepted < 100_000) {
        out.begin();
        out.octet(Format.DEFINES_STATEMENT);
        out.number(accepted + 1);
        out.number(0);
        out.flag(true);
        out.number(part.length);
        out.raw(part, 0, part.length);
        out.flag(false);
        out.number(part.length);
        out.bytes(Bytes.EMPTY);
        decoder.read(
            Format.TYPE_DEFINITION,
            Bytes.copy(out.array(), Format.FRAME_HEAD_BYTES, out.payloadBytes()));
        accepted++;
      }
    } catch (MalformedRecordingException e) {
      // As it should.
    }
    assertThat(accepted).isBetween(1, Format.MAX_DEFINITION_BYTES / part.length);
  }
}
