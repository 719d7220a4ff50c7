package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import dev.chaperone.sidecar.protocol.postgresql.MessageFramer.Disposition;
import dev.chaperone.sidecar.testing.WireClient;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A stream of messages gives the same messages, passes on the same bytes and ends alike, wherever
 * it is split; no buffer is left behind.
 */
class MessageFramerFuzzTest extends FuzzTest {

  /** What a stream came to. */
  private record Outcome(List<String> messages, String forwarded, String refusal) {}

  @Override
  protected List<byte[]> seeds() {
    byte[] three = {0, 3, 0, 2};
    return List.of(
        WireClient.join(
            three,
            WireClient.message('Q', "SELECT 1\0".getBytes(StandardCharsets.UTF_8)),
            WireClient.message('d', new byte[300]),
            WireClient.message('s')),
        WireClient.join(three, WireClient.messageOfLength('a', 3, new byte[0])),
        WireClient.join(three, WireClient.messageOfLength('A', Integer.MAX_VALUE, new byte[9])));
  }

  @Override
  protected void fuzz(byte[] input) {
    FuzzInput in = new FuzzInput(input);
    int piece = 1 + in.below(600);
    int required = in.below(300);
    byte[] stream = in.rest();
    Outcome split = run(stream, piece, required);
    assertThat(split).isEqualTo(run(stream, Math.max(1, stream.length), required));
  }

  private static Outcome run(byte[] stream, int piece, int required) {
    ByteArrayOutputStream forwarded = new ByteArrayOutputStream();
    List<String> messages = new ArrayList<>();
    MessageFramer framer = new MessageFramer(handler(messages, forwarded, required));
    List<ByteBuf> given = new ArrayList<>();
    String refusal = "";
    try {
      for (int at = 0; at < stream.length; at += piece) {
        int length = Math.min(piece, stream.length - at);
        ByteBuf part = UnpooledByteBufAllocator.DEFAULT.buffer(length);
        part.writeBytes(stream, at, length);
        given.add(part);
        framer.append(UnpooledByteBufAllocator.DEFAULT, part);
        framer.run();
        assertThat(framer.pendingBytes()).isLessThan(piece + MessageFramer.HEADER_BYTES + required);
      }
    } catch (ProtocolViolation e) {
      refusal = e.getMessage();
    } finally {
      framer.close();
    }
    assertThat(given).allMatch(part -> part.refCnt() == 0);
    String passed = ByteBufUtil.hexDump(forwarded.toByteArray());
    // What stood before a violation leaves or does not, with the connection that ends.
    return new Outcome(messages, refusal.isEmpty() ? passed : "", refusal);
  }

  /** Drops messages whose type is a capital letter. */
  private static MessageFramer.Handler handler(
      List<String> messages, ByteArrayOutputStream forwarded, int required) {
    return new MessageFramer.Handler() {
      @Override
      public boolean isBlocked() {
        return false;
      }

      @Override
      public int requiredBytes(byte type, int bodyBytes) {
        return Math.min(required, bodyBytes);
      }

      @Override
      public Disposition onMessage(
          byte type, int bodyBytes, ByteBuf buffer, int bodyStart, int available) {
        assertThat(available).isBetween(Math.min(required, bodyBytes), bodyBytes);
        assertThat(buffer.writerIndex()).isGreaterThanOrEqualTo(bodyStart + available);
        int shown = Math.min(required, bodyBytes);
        messages.add(type + " " + bodyBytes + " " + ByteBufUtil.hexDump(buffer, bodyStart, shown));
        return Character.isUpperCase(type) ? Disposition.DROP : Disposition.FORWARD;
      }

      @Override
      public void forward(ByteBuf passed) {
        forwarded.writeBytes(ByteBufUtil.getBytes(passed));
        passed.release();
      }
    };
  }
}
