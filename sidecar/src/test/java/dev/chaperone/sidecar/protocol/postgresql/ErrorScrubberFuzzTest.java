package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.testing.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Errors of a hostile target: of one that is withheld no field is left that may hold the target's
 * words, and what is written is one whole message.
 */
class ErrorScrubberFuzzTest extends FuzzTest {
  private static final String KEPT = "SVCMDPstc";

  @Override
  protected List<byte[]> seeds() {
    return texts(
        "SERROR\0VERROR\0C23505\0Mduplicate key\0DKey (ssn)=(secret) exists.\0spublic\0tc\0ncon\0\0",
        "SNOTICE\0VNOTICE\0C00000\0Msecret\0Hsecret\0Wsecret\0qsecret\0P12\0p3\0\0",
        "VFATAL\0C57P01\0\0",
        "\0");
  }

  @Override
  protected void fuzz(byte[] input) {
    ByteBuf in = Unpooled.wrappedBuffer(input);
    ByteBuf out;
    try {
      ErrorFields.isFatal(in, 0, input.length);
      ErrorFields.sqlState(in, 0, input.length);
      out =
          ErrorScrubber.withheld(
              UnpooledByteBufAllocator.DEFAULT,
              BackendMessage.ERROR_RESPONSE,
              in,
              0,
              input.length,
              Catalog.builtIn());
    } catch (ProtocolViolation e) {
      assertThat(e).hasMessage("target: malformed error message");
      return;
    }
    byte[] message = ByteBufUtil.getBytes(out);
    out.release();
    assertThat(message[0]).isEqualTo(BackendMessage.ERROR_RESPONSE);
    assertThat(Unpooled.wrappedBuffer(message).getInt(1)).isEqualTo(message.length - 1);
    List<String> fields = fields(message);
    assertThat(fields).allMatch(field -> KEPT.indexOf(field.charAt(0)) >= 0);
    assertThat(fields.stream().filter(field -> field.charAt(0) == 'M')).hasSize(1);
    assertThat(fields.stream().filter(field -> field.charAt(0) == 'D'))
        .singleElement()
        .asString()
        .startsWith("DThe target's own words are withheld");
  }

  private static List<String> fields(byte[] message) {
    List<String> fields = new ArrayList<>();
    int at = MessageFramer.HEADER_BYTES;
    while (message[at] != 0) {
      int end = at;
      while (message[end] != 0) {
        end++;
      }
      fields.add(new String(message, at, end - at, StandardCharsets.ISO_8859_1));
      at = end + 1;
    }
    assertThat(at).isEqualTo(message.length - 1);
    return fields;
  }
}
