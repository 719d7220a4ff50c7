package dev.chaperone.control.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FrameReaderTest {
  private static final List<String> FRAMES = List.of("a", "second frame", "x".repeat(10_000));

  @Test
  void framesAreFoundWhereverTheStreamIsCut() throws Exception {
    byte[] stream = stream(FRAMES);
    for (int cut = 0; cut <= stream.length; cut += cut < 100 ? 1 : 997) {
      FrameReader reader = new FrameReader(FrameReader.MAX_FRAME);
      List<String> read = new ArrayList<>();
      readAll(reader, ByteBuffer.wrap(stream, 0, cut), read);
      readAll(reader, ByteBuffer.wrap(stream, cut, stream.length - cut), read);
      assertThat(read).isEqualTo(FRAMES);
    }
  }

  @Test
  void framesAreFoundInAStreamOfSingleBytes() throws Exception {
    FrameReader reader = new FrameReader(FrameReader.MAX_FRAME);
    List<String> read = new ArrayList<>();
    for (byte one : stream(FRAMES)) {
      readAll(reader, ByteBuffer.wrap(new byte[] {one}), read);
    }
    assertThat(read).isEqualTo(FRAMES);
  }

  @Test
  void aFrameThatIsTooLongIsRefusedByItsLengthAlone() {
    FrameReader reader = new FrameReader(100);
    assertThatThrownBy(() -> reader.next(ByteBuffer.wrap(FrameReader.header(101))))
        .isInstanceOf(MalformedMessageException.class)
        .hasMessageContaining("1 to 100");
  }

  @Test
  void lengthsThatCannotBeAreRefused() {
    for (int length : new int[] {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      assertThatThrownBy(
              () ->
                  new FrameReader(FrameReader.MAX_FRAME)
                      .next(ByteBuffer.wrap(FrameReader.header(length))))
          .isInstanceOf(MalformedMessageException.class);
    }
  }

  @Test
  void theLimitCanBeRaisedBetweenFrames() throws Exception {
    FrameReader reader = new FrameReader(1);
    assertThat(reader.next(ByteBuffer.wrap(stream(List.of("a"))))).isPresent();
    reader.limit(2);
    assertThat(reader.next(ByteBuffer.wrap(stream(List.of("ab"))))).isPresent();
  }

  private static void readAll(FrameReader reader, ByteBuffer in, List<String> into)
      throws MalformedMessageException {
    for (Optional<byte[]> frame = reader.next(in); frame.isPresent(); frame = reader.next(in)) {
      into.add(new String(frame.get(), StandardCharsets.UTF_8));
    }
  }

  private static byte[] stream(List<String> frames) {
    ByteBuffer stream = ByteBuffer.allocate(20_000);
    for (String frame : frames) {
      byte[] content = frame.getBytes(StandardCharsets.UTF_8);
      stream.put(FrameReader.header(content.length)).put(content);
    }
    byte[] bytes = new byte[stream.position()];
    stream.flip().get(bytes);
    return bytes;
  }
}
