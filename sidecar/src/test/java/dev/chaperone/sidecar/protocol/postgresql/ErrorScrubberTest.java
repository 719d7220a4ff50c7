package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.policy.sql.Catalog;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ErrorScrubberTest {
  private static final String FIELDS =
      "SERROR\0VERROR\0C23505\0Mkey (7) exists\0Dsecret\0Hsecret\0Wsecret\0qsecret\0Xsecret\0"
          + "P12\0spublic\0tpeople\0cname\0ncon\0Fnbt.c\0L666\0R_bt\0\0";

  private static final Catalog CATALOG = catalog();

  /** PostgreSQL's own and a table {@code public.people} with a column {@code name}. */
  private static Catalog catalog() {
    try {
      StringWriter text = new StringWriter();
      Catalog.builtIn().write(text);
      text.write("relation\t20001\tpublic\tpeople\tr\ncolumn\t20001\t1\tname\t25\n");
      return Catalog.read(new StringReader(text.toString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String withheld(String fields) {
    ByteBuf in = Unpooled.copiedBuffer("__" + fields, StandardCharsets.UTF_8);
    ByteBuf out =
        ErrorScrubber.withheld(
            UnpooledByteBufAllocator.DEFAULT,
            BackendMessage.ERROR_RESPONSE,
            in,
            2,
            in.readableBytes() - 2,
            CATALOG);
    assertThat(out.getByte(0)).isEqualTo(BackendMessage.ERROR_RESPONSE);
    assertThat(out.getInt(1)).isEqualTo(out.readableBytes() - 1);
    return out.toString(5, out.readableBytes() - 5, StandardCharsets.UTF_8);
  }

  @Test
  void onlyTheConditionAndNamesThatTheCatalogHasAreKept() {
    assertThat(withheld(FIELDS))
        .startsWith("SERROR\0VERROR\0C23505\0Munique_violation\0DThe target's own words")
        .endsWith("\0P12\0spublic\0tpeople\0cname\0\0")
        .doesNotContain("secret")
        .doesNotContain("key");
  }

  /** As PL/pgSQL's RAISE ... USING sets them, or a target that does not keep to the protocol. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "Ssecret\0Vsecret\0C23505\0",
        "SERROR\0VERROR\0Csecret\0",
        "SERROR\0VERROR\0C23505\0Psecret\0",
        "SERROR\0VERROR\0C23505\0ssecret\0tpeople\0",
        "SERROR\0VERROR\0C23505\0spublic\0tsecret\0",
        "SERROR\0VERROR\0C23505\0spublic\0tpeople\0csecret\0",
        "SERROR\0VERROR\0C23505\0dsecret\0nsecret\0",
        "SERROR\0VERROR\0C23505\0Fsecret\0Lsecret\0Rsecret\0",
      })
  void noFieldTakesAValueAlong(String fields) {
    assertThat(withheld(fields + "\0")).doesNotContain("secret");
  }

  @ParameterizedTest
  @CsvSource({"23505, 23505", "22999, 22000", "S3CR3, P0001", "'', P0001", "P0002, P0000"})
  void onlyCodesThatPostgresqlDefinesAreShown(String code, String shown) {
    assertThat(ConditionNames.shown(code)).isEqualTo(shown);
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
