package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import java.util.List;

/**
 * The scanner and canonical text: each token is read alike by itself, nothing stands before the
 * first, and what is written of a statement is read as the same statement.
 */
class SqlScannerFuzzTest extends FuzzTest {
  private static final Integer[] VERSIONS = {140_000, 150_000, 160_000, 170_000, 180_000};
  private static final int MAX_TOKENS = 300;
  private static final SqlLimits LIMITS = SqlLimits.DEFAULT;

  @Override
  protected List<byte[]> seeds() {
    return texts(
        " SELECT a.b, \"C\"\"d\", 'it''s', E'\\x41\\u00e9\\'', U&'d\\0061t' FROM t -- c\n",
        "0SELECT $$a$b$$, $q$x$q$, $1, B'01', X'1F', 1.5e-3, .5, 5., 1..2, 1_000, 0x1F",
        "1a/* /* nested */ */b; c<=-1; a::int[]; x := 1; @-+ -- x",
        "2'a'\n'b' N'c' U&\"d!0061\" UESCAPE '!' E'a'\n  'b'",
        "3\u00e9\u4e2d\ud83d\ude00 '\u00e9' \"\u00e9\"");
  }

  @Override
  protected List<String> words() {
    return List.of(
        "'",
        "''",
        "\"",
        "\"\"",
        "E'",
        "U&'",
        "U&\"",
        "UESCAPE '!'",
        "B'",
        "X'",
        "N'",
        "$$",
        "$a$",
        "/*",
        "*/",
        "--",
        "\n",
        "::",
        ":=",
        "..",
        "=>",
        "<>",
        "!=",
        "\\'",
        "\\\\",
        "\\x4",
        "\\u00",
        "\\U0000",
        "1e",
        "0x",
        "0b1",
        "0o7",
        "1_0",
        "$1",
        "$1a",
        ";",
        "(",
        ")",
        "[",
        "]");
  }

  @Override
  protected void fuzz(byte[] input) throws Exception {
    FuzzInput in = new FuzzInput(input);
    int version = in.oneOf(VERSIONS);
    String text = in.text();
    List<Token> tokens;
    List<List<Token>> statements;
    try {
      tokens = SqlScanner.scan(text, LIMITS, version);
      statements = StatementSplitter.split(tokens, LIMITS);
    } catch (UnreadableException e) {
      return;
    }
    int before = 0;
    for (int i = 0; i < tokens.size() && i < MAX_TOKENS; i++) {
      int start = tokens.get(i).start();
      assertThat(start).isGreaterThanOrEqualTo(before).isLessThan(text.length());
      if (i == 0) {
        assertThat(SqlScanner.scan(text.substring(0, start), LIMITS, version)).isEmpty();
      }
      int end = i + 1 < tokens.size() ? tokens.get(i + 1).start() : text.length();
      assertThat(end).isGreaterThan(start);
      List<Token> alone = SqlScanner.scan(text.substring(start, end), LIMITS, version);
      if (!tokens.get(i).isWord("nchar")) {
        // Before a string, N is read as that word.
        assertSame(alone, tokens.subList(i, i + 1));
      }
      before = end;
    }
    for (List<Token> statement : statements) {
      String canonical = CanonicalText.of(statement);
      List<Token> again = SqlScanner.scan(canonical, LIMITS.withTextBytes(1 << 24), version);
      assertSame(again, statement);
      assertThat(CanonicalText.of(again)).isEqualTo(canonical);
    }
  }

  /** Words that needed quotes are written with them. */
  private static void assertSame(List<Token> tokens, List<Token> expected) {
    assertThat(tokens).hasSameSizeAs(expected);
    for (int i = 0; i < tokens.size(); i++) {
      Token one = tokens.get(i);
      Token other = expected.get(i);
      assertThat(one.text()).isEqualTo(other.text());
      assertThat(one.kind() == other.kind() || (one.isName() && other.isName())).isTrue();
    }
  }
}
