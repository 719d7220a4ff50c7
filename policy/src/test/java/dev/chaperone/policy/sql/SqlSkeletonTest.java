package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SqlSkeletonTest {

  @Test
  void literalsAreReplacedAndEverythingElseIsKept() {
    assertThat(skeleton("SELECT a1, \"b 2\" FROM t WHERE x = 'it''s' AND y>-1.5e3 LIMIT $2"))
        .contains("SELECT a1, \"b 2\" FROM t WHERE x = \2 AND y>-\1 LIMIT $2");
  }

  @Test
  void textsThatDifferInLiteralsAloneShareASkeleton() {
    assertThat(skeleton("SELECT abalance FROM pgbench_accounts WHERE aid = 123;"))
        .isEqualTo(skeleton("SELECT abalance FROM pgbench_accounts WHERE aid = 86613;"))
        .isPresent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT E'a'",
        "SELECT U&'a'",
        "SELECT u&\"a\"",
        "SELECT $$a$$",
        "SELECT $a$a$a$",
        "SELECT b'1'",
        "SELECT x'f'",
        "SELECT n'a'",
        "SELECT 'a' 'b'",
        "SELECT 'a'\n'b'",
        "SELECT 'a\\'",
        "SELECT 1 -- x",
        "SELECT 1 /* x */",
        "SELECT é",
        "SELECT 'é'",
        "SELECT 1a",
        "SELECT 1_0",
        "SELECT 0x1",
        "SELECT .5",
        "SELECT 1.",
        "SELECT 1..2",
        "SELECT 1e",
        "SELECT a$",
        "SELECT $1a",
        "SELECT 'a",
        "SELECT \"a",
        "SELECT \"\"",
        "SELECT \1",
        "SELECT \2",
        "SELECT {"
      })
  void textsWhoseLiteralsAreNotObviousHaveNone(String text) {
    assertThat(skeleton(text)).isEmpty();
  }

  /** What makes the skeleton safe as a cache key, tried on random texts. */
  @Test
  void textsWithOneSkeletonHaveTheSameTokensButForLiterals() {
    String[] pieces = {
      "'", "''", "'a'", "'b''c'", "1", "22", "1.5", "1e5", ".", "..", ".5", "$1", "$", "a", "e",
      "E", "u&", "x", "b", "n", "_", "\"", "\"q\"", " ", "\n", "-", "--", "+", "*", "/", "/*", "*/",
      ",", "(", ")", ";", "::", ":", "@", "|", "\\", "0x1", "1_0", "é", "select", "$a$"
    };
    Random random = new Random(20261121);
    Map<String, String> shapes = new HashMap<>();
    int eligible = 0;
    int shared = 0;
    for (int i = 0; i < 400_000; i++) {
      StringBuilder text = new StringBuilder();
      int length = 1 + random.nextInt(6);
      for (int k = 0; k < length; k++) {
        text.append(pieces[random.nextInt(pieces.length)]);
      }
      Optional<String> skeleton = skeleton(text.toString());
      if (skeleton.isEmpty()) {
        continue;
      }
      eligible++;
      for (int version : new int[] {150000, 180000}) {
        String shape = shape(text.toString(), version);
        String before = shapes.putIfAbsent(version + skeleton.get(), shape);
        if (before != null) {
          shared++;
          assertThat(shape).as(text.toString()).isEqualTo(before);
        }
      }
    }
    assertThat(eligible).isGreaterThan(20_000);
    assertThat(shared).isGreaterThan(10_000);
  }

  /** The tokens of a text, literals by kind alone. */
  private static String shape(String text, int version) {
    try {
      StringBuilder shape = new StringBuilder();
      for (Token token : SqlScanner.scan(text, SqlLimits.DEFAULT, version)) {
        shape.append(token.kind()).append(' ');
        if (token.kind() != Token.Kind.NUMBER && token.kind() != Token.Kind.STRING) {
          shape.append(token.text()).append(' ');
        }
      }
      return shape.toString();
    } catch (UnreadableException e) {
      return "unreadable";
    }
  }

  private static Optional<String> skeleton(String text) {
    byte[] bytes = ("~" + text).getBytes(StandardCharsets.UTF_8);
    byte[] out = new byte[bytes.length];
    int length = SqlSkeleton.write(bytes, 1, bytes.length - 1, out);
    return length == SqlSkeleton.NOT_ELIGIBLE
        ? Optional.empty()
        : Optional.of(new String(out, 0, length, StandardCharsets.UTF_8));
  }

  @Test
  void nothingButTheGivenRangeIsRead() {
    byte[] text = "xxSELECT 1'".getBytes(StandardCharsets.UTF_8);
    byte[] out = new byte[text.length];
    int length = SqlSkeleton.write(text, 2, 8, out);
    assertThat(List.of(new String(out, 0, length, StandardCharsets.UTF_8)))
        .containsExactly("SELECT \1");
  }
}
