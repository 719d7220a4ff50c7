package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzTest;
import dev.chaperone.sidecar.testing.WireClient;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Descriptions of results as a hostile target may send them. */
class RowLayoutFuzzTest extends FuzzTest {

  @Override
  protected List<byte[]> seeds() {
    byte[] column =
        WireClient.join(
            "ssn\0".getBytes(StandardCharsets.UTF_8),
            WireClient.int32(20_001),
            WireClient.int16(3),
            WireClient.int32(25),
            WireClient.int16(-1),
            WireClient.int32(-1),
            WireClient.int16(1));
    return List.of(
        WireClient.int16(0),
        WireClient.join(WireClient.int16(1), column),
        WireClient.join(WireClient.int16(2), column, column));
  }

  @Override
  protected void fuzz(byte[] input) {
    ByteBuf buffer = Unpooled.wrappedBuffer(input);
    RowLayout layout;
    try {
      layout = RowLayout.read(buffer, 0, input.length);
    } catch (ProtocolViolation e) {
      assertThat(e).hasMessage("target: malformed row description");
      return;
    }
    assertThat(layout.names()).hasSize(layout.columns());
    for (int i = 0; i < layout.columns(); i++) {
      assertThat(layout.table(i)).isBetween(0L, 0xffffffffL);
      assertThat(layout.number(i)).isBetween((int) Short.MIN_VALUE, (int) Short.MAX_VALUE);
    }
    RowLayout binary = layout.inFormats(new int[] {1});
    assertThat(binary.isDescribedAs(layout)).isTrue();
    assertThat(layout.inFormats(new int[layout.columns() + 2])).isNull();
  }
}
