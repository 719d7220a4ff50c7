package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.sidecar.protocol.postgresql.MessageFramer.Disposition;
import dev.chaperone.sidecar.testing.WireClient;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessageFramerTest {

  /** Judges every message as soon as all of it is there. */
  private abstract static class Whole implements MessageFramer.Handler {
    @Override
    public final boolean isBlocked() {
      return false;
    }

    @Override
    public final int requiredBytes(byte type, int bodyBytes) {
      return bodyBytes;
    }
  }

  /** Forwards small letters, drops capital ones, and waits once before each 'w'. */
  private static final class Recorder implements MessageFramer.Handler {
    private final ByteArrayOutputStream forwarded = new ByteArrayOutputStream();
    private final List<String> seen = new ArrayList<>();
    private final int required;
    private boolean waited;
    private boolean blocked;

    Recorder(int required) {
      this.required = required;
    }

    @Override
    public boolean isBlocked() {
      return blocked;
    }

    @Override
    public int requiredBytes(byte type, int bodyBytes) {
      return Math.min(required, bodyBytes);
    }

    @Override
    public Disposition onMessage(
        byte type, int bodyBytes, ByteBuf buffer, int bodyStart, int available) {
      assertThat(available).isBetween(Math.min(required, bodyBytes), bodyBytes);
      if (type == 'w' && !waited) {
        waited = true;
        return Disposition.WAIT;
      }
      waited = false;
      seen.add((char) type + "" + bodyBytes);
      return Character.isUpperCase(type) ? Disposition.DROP : Disposition.FORWARD;
    }

    @Override
    public void forward(ByteBuf messages) {
      forwarded.writeBytes(ByteBufUtil.getBytes(messages));
      messages.release();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 7, Integer.MAX_VALUE})
  void anyStreamSplitAnyhowIsForwardedWithoutWhatIsDropped(int required) {
    Random random = new Random(7);
    for (int round = 0; round < 300; round++) {
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      ByteArrayOutputStream expected = new ByteArrayOutputStream();
      List<String> types = new ArrayList<>();
      for (int i = random.nextInt(12); i >= 0; i--) {
        char type = "abwXY".charAt(random.nextInt(5));
        byte[] body = new byte[random.nextInt(random.nextBoolean() ? 4 : 300)];
        random.nextBytes(body);
        byte[] message = WireClient.message(type, body);
        stream.writeBytes(message);
        types.add(type + "" + body.length);
        if (!Character.isUpperCase(type)) {
          expected.writeBytes(message);
        }
      }
      Recorder recorder = new Recorder(required);
      MessageFramer framer = new MessageFramer(recorder);
      List<ByteBuf> given = new ArrayList<>();
      byte[] bytes = stream.toByteArray();
      for (int at = 0; at < bytes.length; ) {
        int length = Math.min(bytes.length - at, 1 + random.nextInt(40));
        ByteBuf part = UnpooledByteBufAllocator.DEFAULT.buffer(length);
        part.writeBytes(bytes, at, length);
        given.add(part);
        framer.append(UnpooledByteBufAllocator.DEFAULT, part);
        recorder.blocked = random.nextInt(4) == 0;
        framer.run();
        at += length;
      }
      recorder.blocked = false;
      for (int i = 0; i < 20; i++) {
        framer.run();
      }
      assertThat(recorder.seen).isEqualTo(types);
      assertThat(recorder.forwarded.toByteArray()).isEqualTo(expected.toByteArray());
      assertThat(framer.pendingBytes()).isZero();
      framer.close();
      assertThat(given).allMatch(part -> part.refCnt() == 0);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 0, -1, Integer.MIN_VALUE})
  void aLengthThatCannotBeEndsTheSession(int length) {
    MessageFramer framer = new MessageFramer(new Recorder(0));
    ByteBuf part = UnpooledByteBufAllocator.DEFAULT.buffer();
    part.writeBytes(WireClient.messageOfLength('a', length, new byte[0]));
    framer.append(UnpooledByteBufAllocator.DEFAULT, part);
    assertThatThrownBy(framer::run).isInstanceOf(ProtocolViolation.class);
    framer.close();
    assertThat(part.refCnt()).isZero();
  }

  @Test
  void whatStandsBeforeAMessageCanBeSentAheadOfIt() {
    List<String> order = new ArrayList<>();
    MessageFramer[] framer = new MessageFramer[1];
    framer[0] =
        new MessageFramer(
            new Whole() {
              @Override
              public Disposition onMessage(
                  byte type, int bodyBytes, ByteBuf buffer, int bodyStart, int available) {
                if (type == 'X') {
                  framer[0].forwardPreceding();
                  order.add("own");
                  return Disposition.DROP;
                }
                return Disposition.FORWARD;
              }

              @Override
              public void forward(ByteBuf messages) {
                order.add((char) messages.getByte(messages.readerIndex()) + "");
                messages.release();
              }
            });
    ByteBuf part = UnpooledByteBufAllocator.DEFAULT.buffer();
    part.writeBytes(
        WireClient.join(WireClient.message('a'), WireClient.message('X'), WireClient.message('b')));
    framer[0].append(UnpooledByteBufAllocator.DEFAULT, part);
    framer[0].run();
    assertThat(order).containsExactly("a", "own", "b");
    assertThat(part.refCnt()).isZero();
  }

  @Test
  void messagesThatAreTakenTogetherAreDroppedTogetherAndNoOther() {
    for (int cut = 1; cut < 40; cut++) {
      StringBuilder passed = new StringBuilder();
      MessageFramer[] framer = new MessageFramer[1];
      framer[0] =
          new MessageFramer(
              new Whole() {
                @Override
                public Disposition onMessage(
                    byte type, int bodyBytes, ByteBuf buffer, int bodyStart, int available) {
                  int next = bodyStart + bodyBytes;
                  if (type == 'X' && buffer.writerIndex() - next >= 7) {
                    framer[0].takeFollowing(7);
                  }
                  return type == 'X' || type == 'Y' ? Disposition.DROP : Disposition.FORWARD;
                }

                @Override
                public void forward(ByteBuf messages) {
                  while (messages.isReadable()) {
                    passed.append((char) messages.readByte());
                    messages.skipBytes(messages.readInt() - 4);
                  }
                  messages.release();
                }
              });
      byte[] stream =
          WireClient.join(
              WireClient.message('a', new byte[3]),
              WireClient.message('X', new byte[1]),
              WireClient.message('Y', new byte[2]),
              WireClient.message('b'),
              WireClient.message('c', new byte[9]));
      ByteBuf first = UnpooledByteBufAllocator.DEFAULT.buffer().writeBytes(stream, 0, cut);
      ByteBuf second =
          UnpooledByteBufAllocator.DEFAULT.buffer().writeBytes(stream, cut, stream.length - cut);
      framer[0].append(UnpooledByteBufAllocator.DEFAULT, first);
      framer[0].run();
      framer[0].append(UnpooledByteBufAllocator.DEFAULT, second);
      framer[0].run();
      assertThat(passed).as("cut at %d", cut).hasToString("abc");
      assertThat(framer[0].pendingBytes()).isZero();
      assertThat(first.refCnt()).isZero();
      assertThat(second.refCnt()).isZero();
    }
  }
}
