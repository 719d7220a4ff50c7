package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorScrubberTest {
  private static final String FIELDS =
      "SERROR\0VERROR\0C23505\0Mkey (7) exists\0Dsecret\0Hsecret\0Wsecret\0qsecret\0Xsecret\0"
          + "P12\0spublic\0tc\0ncon\0Fnbt.c\0L666\0R_bt\0\0";

  private static String withheld(String fields) {
    ByteBuf in = Unpooled.copiedBuffer("__" + fields, StandardCharsets.UTF_8);
    ByteBuf out =
        ErrorScrubber.withheld(
            UnpooledByteBufAllocator.DEFAULT,
            BackendMessage.ERROR_RESPONSE,
            in,
            2,
            in.readableBytes() - 2);
    assertThat(out.getByte(0)).isEqualTo(BackendMessage.ERROR_RESPONSE);
    assertThat(out.getInt(1)).isEqualTo(out.readableBytes() - 1);
    return out.toString(5, out.readableBytes() - 5, StandardCharsets.UTF_8);
  }

  @Test
  void onlyTheConditionAndNamesOfObjectsAreKept() {
    assertThat(withheld(FIELDS))
        .startsWith("SERROR\0VERROR\0C23505\0P12\0spublic\0tc\0ncon\0Fnbt.c\0L666\0R_bt\0")
        .contains("\0Munique_violation\0")
        .endsWith("\0\0")
        .doesNotContain("secret")
        .doesNotContain("key");
  }

  @Test
  void aMessageCutOffAnywhereIsNoMessage() {
    for (int length = 0; length < FIELDS.length() - 1; length++) {
      String cut = FIELDS.substring(0, length);
      assertThatThrownBy(() -> withheld(cut)).isInstanceOf(ProtocolViolation.class);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "22012, division_by_zero",
    "22999, data_exception",
    "P0001, raise_exception",
    "ZZ000, error_of_the_target",
    "'', error_of_the_target",
  })
  void everyCodeHasAName(String code, String name) {
    assertThat(ConditionNames.of(code)).isEqualTo(name);
  }
}
