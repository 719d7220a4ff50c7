package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.cString;
import static dev.chaperone.sidecar.testing.WireClient.int32;
import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.message;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.translation.ConnectionConfiguration.Credentials;
import dev.chaperone.control.translation.ConnectionConfiguration.Tls;
import dev.chaperone.control.translation.SecretBytes;
import dev.chaperone.crds.v1alpha1.ChannelBinding;
import dev.chaperone.crds.v1alpha1.TlsMode;
import dev.chaperone.crds.v1alpha1.TlsNegotiation;
import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.DefaultPromise;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.Promise;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All that a target may say while the gateway logs in, in pieces: it ends in a connection or in a
 * refusal, no password is shown without a verified certificate, and a target that logs one in
 * without a word of authentication speaks UTF-8.
 */
class TargetLoginFuzzTest extends FuzzTest {
  private static final String PASSWORD = "pencil-of-the-target";
  private static final byte[] SCRAM = cString("SCRAM-SHA-256");

  private final ScramKeys keys = new ScramKeys();
  private final TargetAddress address;

  TargetLoginFuzzTest() throws Exception {
    Tls tls =
        new Tls(
            TlsMode.DISABLE,
            "db.example",
            Optional.empty(),
            Optional.empty(),
            ChannelBinding.PREFER,
            TlsNegotiation.POSTGRES);
    address = new TargetAddress("db.example", 5432, new TargetTls(tls));
  }

  /** The size of the pieces, then messages. */
  @Override
  protected List<byte[]> seeds() {
    return List.of(
        join(
            new byte[] {80},
            message('R', int32(0)),
            message('S', cString("client_encoding"), cString("UTF8")),
            message('S', cString("standard_conforming_strings"), cString("on")),
            message('N', cString("SNOTICE"), new byte[1]),
            message('K', int32(1), int32(2)),
            message('Z', new byte[] {'I'})),
        join(new byte[] {3}, message('R', int32(3))),
        join(new byte[] {3}, message('R', int32(5), int32(7))),
        join(
            new byte[] {9},
            message('R', int32(10), SCRAM, new byte[1]),
            message('R', int32(11), "r=abc,s=QUJD,i=4096".getBytes(StandardCharsets.UTF_8)),
            message('R', int32(12), "v=QUJD".getBytes(StandardCharsets.UTF_8))),
        join(
            new byte[] {1},
            message('E', cString("SFATAL"), cString("C28P01"), cString("Mno"), new byte[1])));
  }

  @Override
  protected List<String> words() {
    return List.of(
        "R\0\0\0\10\0\0\0\0",
        "R\0\0\0\10\0\0\0\3",
        "R\0\0\0\f\0\0\0\5",
        "Z\0\0\0\5I",
        "SCRAM-SHA-256\0");
  }

  @Override
  protected void fuzz(byte[] input) {
    Promise<TargetConnection> result = new DefaultPromise<>(ImmediateEventExecutor.INSTANCE);
    TargetLogin login =
        new TargetLogin(
            address,
            Map.of("database", "orders"),
            new Credentials("agent", new SecretBytes(PASSWORD.getBytes(StandardCharsets.UTF_8))),
            keys,
            Runnable::run,
            result);
    EmbeddedChannel channel = new EmbeddedChannel(login);
    login.begin();
    FuzzInput in = new FuzzInput(input);
    int piece = 1 + in.octet();
    while (!in.isEmpty() && !result.isDone()) {
      channel.writeInbound(Unpooled.wrappedBuffer(in.bytes(piece)));
    }
    assertThat(new String(sent(channel), StandardCharsets.ISO_8859_1)).doesNotContain(PASSWORD);
    if (result.isSuccess()) {
      assertThat(result.getNow().parameters()).containsEntry("client_encoding", "UTF8");
    } else if (result.isDone()) {
      assertThat(result.cause()).isInstanceOf(LoginFailure.class);
    }
    channel.close();
    channel.checkException();
    assertThat(result.isDone()).isTrue();
  }

  private static byte[] sent(EmbeddedChannel channel) {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
      sent.writeBytes(ByteBufUtil.getBytes(out));
      out.release();
    }
    return sent.toByteArray();
  }
}
