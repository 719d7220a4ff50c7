package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzTest;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/**
 * The first packet of a client, whatever it asks for: the settings that it comes to never say who
 * logs in to what, and never another encoding.
 */
class StartupFuzzTest extends FuzzTest {
  private static final List<String> NEVER =
      List.of("user", "database", "options", "replication", "client_encoding");

  @Override
  protected List<byte[]> seeds() {
    return List.of(
        packet(Startup.SSL_REQUEST_CODE, ""),
        packet(Startup.GSSENC_REQUEST_CODE, ""),
        packet(Startup.CANCEL_REQUEST_CODE, "\0\0\0\1\0\0\0\2"),
        packet(Startup.PROTOCOL_3_0, "user\0ann\0database\0orders\0\0"),
        packet(
            Startup.PROTOCOL_3_0 + 2,
            "user\0ann\0_pq_.x\0y\0options\0-c DateStyle=ISO --search-path=a\\ b -cuser=x\0\0"),
        packet(Startup.PROTOCOL_3_0, "client_encoding\0UTF8\0replication\0database\0\0"),
        packet(2 << 16, "old"));
  }

  private static byte[] packet(int code, String content) {
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(4 + bytes.length).putInt(code).put(bytes).array();
  }

  @Override
  protected List<String> words() {
    return List.of(
        "user\0",
        "database\0",
        "options\0",
        "replication\0",
        "-c ",
        "--",
        "=",
        "\\ ",
        "\0",
        "client_encoding=",
        "USER=",
        "_pq_.a\0",
        "session_authorization=",
        ".");
  }

  @Override
  protected void fuzz(byte[] input) {
    ByteBuf packet = Unpooled.wrappedBuffer(input);
    Startup startup;
    try {
      startup = Startup.read(packet);
    } catch (MalformedMessage e) {
      assertThat(e.reply()).isNotNull();
      return;
    }
    assertThat(packet.readerIndex()).isZero();
    if (startup instanceof Startup.Open open) {
      StartupOptions.Result result = StartupOptions.of(open.parameters());
      assertThat(result.settings().keySet())
          .allMatch(name -> name.equals(name.toLowerCase(Locale.ROOT)))
          .noneMatch(NEVER::contains)
          .noneMatch(name -> name.startsWith("_pq_."));
      assertThat(result.refusal().isPresent() && !result.settings().isEmpty()).isFalse();
    }
  }
}
