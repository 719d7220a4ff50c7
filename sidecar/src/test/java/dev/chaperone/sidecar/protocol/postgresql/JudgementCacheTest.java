package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.sql.SqlAnalysis;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class JudgementCacheTest {
  private final JudgementCache cache = new JudgementCache();
  private final JudgementContext context = new JudgementContext(null, null);

  private Judgement judgement(String name) {
    return new Judgement(
        context,
        new SqlAnalysis.Unreadable("42601", name),
        Optional.empty(),
        Optional.empty(),
        List.of(),
        Set.of());
  }

  private Judgement find(String text) {
    ByteBuf buffer = Unpooled.copiedBuffer("__" + text + "__", StandardCharsets.UTF_8);
    return cache.find(buffer, 2, buffer.readableBytes() - 4);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aTextIsFoundAndNoOtherThatIsNearIt() {
    Judgement judgement = judgement("one");
    cache.put(bytes("SELECT a FROM t"), judgement);
    assertThat(find("SELECT a FROM t")).isSameAs(judgement);
    for (String other :
        List.of("SELECT a FROM u", "SELECT a FROM t ", "SELECT a FROM ", "select a FROM t", "")) {
      assertThat(find(other)).as(other).isNull();
    }
  }

  @Test
  void ofManyTextsEachIsFoundAsItselfOrNotAtAll() {
    int found = 0;
    for (int i = 0; i < 6_000; i++) {
      cache.put(bytes("SELECT c" + i + " FROM t"), judgement("" + i));
      for (int back = 0; back < 900 && back <= i; back += 300) {
        int which = i - back;
        Judgement known = find("SELECT c" + which + " FROM t");
        if (known != null) {
          found++;
          assertThat(((SqlAnalysis.Unreadable) known.analysis()).message()).isEqualTo("" + which);
        }
      }
    }
    assertThat(found).isGreaterThan(17_000);
  }

  @Test
  void aLaterJudgementOfATextTakesThePlaceOfAnEarlierOne() {
    cache.put(bytes("SELECT 1"), judgement("old"));
    Judgement later = judgement("new");
    cache.put(bytes("SELECT 1"), later);
    assertThat(find("SELECT 1")).isSameAs(later);
  }

  @Test
  void aVeryLongTextIsNotKept() {
    String text = "x".repeat(JudgementCache.MAX_TEXT_BYTES + 1);
    cache.put(bytes(text), judgement("long"));
    assertThat(find(text)).isNull();
    String longest = "x".repeat(JudgementCache.MAX_TEXT_BYTES);
    cache.put(bytes(longest), judgement("longest"));
    assertThat(find(longest)).isNotNull();
  }
}
