package dev.chaperone.control.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A stream of frames gives the same frames, or the same refusal, wherever it is split. */
class FrameReaderFuzzTest extends FuzzTest {
  private static final int LIMIT = 4 * 1024;

  @Override
  protected List<byte[]> seeds() {
    return List.of(
        new byte[] {0, 3, 0, 0, 0, 2, 'a', 'b', 0, 0, 0, 1, 'c'},
        new byte[] {1, 1, 0, 0, 15, (byte) 255, 'a'},
        new byte[] {0, 2, 0, 0, 0, 0},
        new byte[] {0, 2, (byte) 255, (byte) 255, (byte) 255, (byte) 255});
  }

  @Override
  protected void fuzz(byte[] input) {
    FuzzInput in = new FuzzInput(input);
    int piece = 1 + in.below(LIMIT);
    byte[] stream = in.rest();
    List<String> split = frames(stream, piece);
    assertThat(split).isEqualTo(frames(stream, Math.max(1, stream.length)));
  }

  private static List<String> frames(byte[] stream, int piece) {
    FrameReader reader = new FrameReader(LIMIT);
    List<String> frames = new ArrayList<>();
    try {
      for (int at = 0; at < stream.length; at += piece) {
        ByteBuffer part = ByteBuffer.wrap(stream, at, Math.min(piece, stream.length - at));
        for (Optional<byte[]> frame = reader.next(part);
            frame.isPresent();
            frame = reader.next(part)) {
          assertThat(frame.get()).hasSizeBetween(1, LIMIT);
          frames.add(new Bytes(frame.get()).toString() + frame.get().length);
        }
        assertThat(part.hasRemaining()).isFalse();
      }
    } catch (MalformedMessageException e) {
      frames.add(e.getMessage());
    }
    return frames;
  }
}
