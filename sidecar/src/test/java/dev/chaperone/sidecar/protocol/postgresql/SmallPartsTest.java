package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.sidecar.protocol.postgresql.ReplyLedger.Kind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** ReplyLedger, StartupOptions, SearchPath, ErrorFields. */
class SmallPartsTest {

  @Test
  void theLedgerKeepsItsOrderWhileItGrowsAndWraps() {
    ReplyLedger ledger = new ReplyLedger();
    long next = 0;
    long expected = 0;
    for (int round = 0; round < 200; round++) {
      for (int i = 0; i < 7; i++) {
        ledger.add(Kind.PARSE, next++);
      }
      for (int i = 0; i < 5; i++) {
        assertThat(ledger.head().group()).isEqualTo(expected++);
        ledger.removeHead();
      }
    }
    assertThat(ledger.size()).isEqualTo(400);
  }

  @Test
  void anErrorSkipsToTheNextSyncAndTellsOfEachNameThatWillNotBe() {
    ReplyLedger ledger = new ReplyLedger();
    PreparedStatement statement =
        new PreparedStatement("s", new byte[0], PreparedStatement.NO_TYPES, null);
    List<Object> skipped = new ArrayList<>();
    ledger.add(Kind.EXECUTE, 1);
    ledger.add(Kind.PARSE, 1).changing(statement);
    ledger.add(Kind.QUERY, 2);
    ledger.add(Kind.SYNC, 2);
    ledger.add(Kind.PARSE, 3);
    assertThat(ledger.skipToSync(skipped::add)).isPresent();
    assertThat(skipped).containsExactly(statement);
    assertThat(ledger.head().kind()).isEqualTo(Kind.SYNC);
    ledger.removeHead();
    assertThat(ledger.skipToSync(skipped::add)).isEmpty();
    assertThat(ledger.isEmpty()).isTrue();
  }

  @Test
  void anEntryIsCleanWhenItIsUsedAgain() {
    ReplyLedger ledger = new ReplyLedger();
    for (int i = 0; i < 40; i++) {
      ReplyLedger.Entry entry = ledger.add(Kind.EXECUTE, i);
      assertThat(entry.replacement()).isNull();
      assertThat(entry.operation()).isNull();
      assertThat(entry.change()).isNull();
      assertThat(entry.copiesIn()).isFalse();
      entry.mustFail(ErrorReply.error("XX000", "")).copyingIn(true);
      ledger.removeHead();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"-c a=b", "-ca=b", "--a=b", "  -c   a=b ", "-c A=b", "-c a=x -c a=b", "--a=b\t"})
  void optionsAreReadAsTheServerReadsThem(String options) {
    StartupOptions.Result result = StartupOptions.of(Map.of("user", "x", "options", options));
    assertThat(result.refusal()).isEmpty();
    assertThat(result.settings()).containsExactly(Map.entry("a", "b"));
  }

  @Test
  void aBackslashKeepsASpace() {
    assertThat(StartupOptions.of(Map.of("options", "-c search_path=a,\\ b\\\\c")).settings())
        .containsExactly(Map.entry("search_path", "a, b\\c"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-c",
        "a=b",
        "-c a",
        "-d 5",
        "-c =b",
        "-c a;b=c",
        "-c 'a'=b",
        "-c user=x",
        "-c DataBase=x",
        "-cREPLICATION=1",
        "--options=x",
        "-c _PQ_.x=1"
      })
  void whatIsNoSettingIsRefused(String options) {
    assertThat(StartupOptions.of(Map.of("options", options)).refusal()).isPresent();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "\"$user\", public|agent,public",
        "a,b , c|a,b,c",
        "\"A b\", B|A b,b",
        "\"x\"\"y\"|x\"y",
        "\"\"|"
      })
  void aSearchPathIsReadAsTheServerReadsIt(String setting, String expected) {
    assertThat(String.join(",", SearchPath.parse(setting, "agent")))
        .isEqualTo(expected == null ? "" : expected);
  }

  @Test
  void fieldsOfAnErrorAreFound() {
    ByteBuf body = Unpooled.copiedBuffer("SFEHLER\0VFATAL\0C57P01\0Mx\0\0", StandardCharsets.UTF_8);
    assertThat(ErrorFields.isFatal(body, 0, body.readableBytes())).isTrue();
    assertThat(ErrorFields.sqlState(body, 0, body.readableBytes())).isEqualTo("57P01");
    assertThatThrownBy(() -> ErrorFields.isFatal(body, 0, 4)).isInstanceOf(ProtocolViolation.class);
    assertThat(ErrorFields.isFatal(Unpooled.copiedBuffer(new byte[1]), 0, 1)).isFalse();
  }
}
