package dev.chaperone.control.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzTest;
import java.util.List;
import java.util.stream.Stream;

/** Messages of both sides: one that is understood is written as one that is understood alike. */
class MessageCodecFuzzTest extends FuzzTest {

  @Override
  protected List<byte[]> seeds() {
    return Samples.all().stream().map(MessageCodec::encode).toList();
  }

  @Override
  protected List<String> words() {
    return Stream.concat(
            MessageCodec.types().keySet().stream(),
            Stream.of("\"type\":", "null", "true", "{", "}", "[", "]", ",", ":", "\\ud83d", "1e9"))
        .sorted()
        .toList();
  }

  @Override
  protected void fuzz(byte[] input) {
    MessageCodec.Decoded decoded;
    try {
      decoded = MessageCodec.decode(input);
      if (decoded instanceof MessageCodec.Decoded.Message message) {
        byte[] written = MessageCodec.encode(message.message());
        assertThat(MessageCodec.decode(written)).isEqualTo(decoded);
      }
    } catch (MalformedMessageException e) {
      // Nothing of what came in, so that it can be logged: words of ours are ASCII.
      assertThat(e.getMessage().chars()).allMatch(c -> c >= ' ' && c < 0x7f);
    }
  }
}
