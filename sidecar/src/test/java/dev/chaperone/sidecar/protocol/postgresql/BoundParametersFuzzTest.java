package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.crds.v1alpha1.RequestParameter;
import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import dev.chaperone.sidecar.testing.WireClient;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;

/**
 * The values of a Bind: what an approver reads has no control character in it, and nothing of a
 * value that goes into a masked column.
 */
class BoundParametersFuzzTest extends FuzzTest {
  private static final int[] TYPES = {0, 16, 20, 21, 23, 25, 700, 701, 1043, 2950, 17};

  @Override
  protected List<byte[]> seeds() {
    byte[] none = {0};
    return List.of(
        WireClient.join(none, WireClient.int16(0), WireClient.int16(0), WireClient.int16(0)),
        WireClient.join(
            none,
            WireClient.int16(1),
            WireClient.int16(1),
            WireClient.int16(3),
            WireClient.int32(1),
            new byte[] {1},
            WireClient.int32(-1),
            WireClient.int32(4),
            new byte[] {0, 0, 0, 9}),
        WireClient.join(
            none,
            WireClient.int16(2),
            WireClient.int16(0),
            WireClient.int16(1),
            WireClient.int16(2),
            WireClient.int32(3),
            new byte[] {'a', '\n', 'b'},
            WireClient.int32(16),
            new byte[16]));
  }

  @Override
  protected void fuzz(byte[] input) {
    FuzzInput in = new FuzzInput(input);
    int[] types = new int[8];
    int first = in.octet();
    for (int i = 0; i < types.length; i++) {
      types[i] = TYPES[(first + i) % TYPES.length];
    }
    byte[] values = in.rest();
    ByteBuf buffer = Unpooled.wrappedBuffer(values);
    BoundParameters parameters;
    try {
      parameters = BoundParameters.read(buffer, new BodyReader(buffer, 0, values.length), types);
    } catch (MalformedMessage e) {
      assertThat(e.reply()).isNotNull();
      return;
    }
    assertThat(parameters.bytes()).isLessThanOrEqualTo(values.length);
    List<RequestParameter> readable = parameters.readable(index -> index % 2 == 1);
    assertThat(readable).hasSize(parameters.count());
    for (int i = 0; i < readable.size(); i++) {
      String shown = readable.get(i).value();
      if (i % 2 == 1) {
        assertThat(shown).isEqualTo("***");
      } else if (shown != null) {
        assertThat(shown.chars()).noneMatch(Character::isISOControl);
      }
    }
  }
}
