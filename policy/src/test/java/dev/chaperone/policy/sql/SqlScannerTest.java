package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SqlScannerTest {
  private static final int V15 = 150000;
  private static final int V16 = 160000;
  private static final int V17 = 170000;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "SELECT 4 //**/ 2; DELETE FROM t | select 4 / 2; delete from t",
        "SELECT E'\\'' ; DELETE FROM t; --' | select ''''; delete from t",
        "SELECT 'a\\' ; DELETE FROM t; --' | select 'a\\'; delete from t",
        "SELECT $a$ /* $a$ ; DELETE FROM t | select ' /* '; delete from t",
        "SELECT U&\"\\0073sn\" | select \"ssn\"",
        "SELECT U&'!0041' UESCAPE '!' | select 'A'",
        "SELECT U&'\\D83D\\DE00' | select '😀'",
        "SELECT E'\\xc3\\xa9' | select 'é'",
        "SELECT 1 /* /* */ */ ; x | select 1; x",
        "SELECT a@-1 | select a @- 1",
        "SELECT a*-1 | select a * - 1",
        "SELECT N'x', B'1', X'f' | select nchar 'x', b'1', x'f'",
        "SELECT \"a\"\"b\".C | select \"a\"\"b\".c",
        "SELECT a$b | select \"a$b\"",
        "SELECT 1.5e-3, .5, 1..2 | select 1.5e-3, .5, 1 .. 2"
      })
  void textIsReadAsTheServerReadsIt(String text, String canonical) throws Exception {
    assertThat(canonical(text, V15)).isEqualTo(canonical);
  }

  @Test
  void stringsContinueOverANewline() throws Exception {
    assertThat(canonical("SELECT 'a' -- c\n 'b'", V15)).isEqualTo("select 'ab'");
    assertThat(canonical("SELECT 'a' 'b'", V15)).isEqualTo("select 'a' 'b'");
    assertThat(canonical("SELECT E'\\x41' \n 'b\\n'", V15)).isEqualTo("select 'Ab\n'");
  }

  @Test
  void longIdentifiersAreCutWhereTheServerCutsThem() throws Exception {
    String name = "x".repeat(62) + "éy";
    assertThat(SqlScanner.scan(name, SqlLimits.DEFAULT, V15).get(0).text())
        .isEqualTo("x".repeat(62));
    assertThat(SqlScanner.scan("\"" + name + "\"", SqlLimits.DEFAULT, V15).get(0).text())
        .isEqualTo("x".repeat(62));
  }

  @Test
  void versionsDifferInNumbersAndWhiteSpace() throws Exception {
    assertThat(canonical("SELECT 0x1F, 1_000, 0b11", V16)).isEqualTo("select 0x1F, 1_000, 0b11");
    assertThat(canonical("SELECT\u000b1", V17)).isEqualTo("select 1");
    assertThatThrownBy(() -> canonical("SELECT 0x1F", V15)).isInstanceOf(UnreadableException.class);
    assertThatThrownBy(() -> canonical("SELECT 1_000", V15))
        .isInstanceOf(UnreadableException.class);
    assertThatThrownBy(() -> canonical("SELECT\u000b1", V16))
        .isInstanceOf(UnreadableException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT 'a",
        "SELECT \"a",
        "SELECT \"\"",
        "SELECT $a$ x",
        "SELECT /* x",
        "SELECT /* /* */",
        "SELECT 1a",
        "SELECT 1e",
        "SELECT $1a",
        "SELECT $",
        "SELECT \\",
        "SELECT {",
        "SELECT \u0001",
        "SELECT E'\\u12'",
        "SELECT E'\\ud800'",
        "SELECT E'\\xff'",
        "SELECT E'\\0'",
        "SELECT U&'\\12'",
        "SELECT U&'a' UESCAPE 1",
        "SELECT U&'a' UESCAPE '+'",
        "SELECT U&'a' UESCAPE",
        "SELECT 'a\0'",
        "SELECT (1",
        "SELECT 1)",
        "SELECT (1;2)",
        "SELECT a 1__0",
        "SELECT 0x"
      })
  void whatTheServerRejectsForItsTokensIsUnreadable(String text) {
    for (int version : new int[] {V15, V16}) {
      assertThatThrownBy(() -> canonical(text, version)).isInstanceOf(UnreadableException.class);
    }
  }

  @Test
  void limitsAreKept() {
    SqlLimits small = new SqlLimits(100, 10, 3, 2, SqlLimits.DEFAULT.parserTimeout());
    for (String text :
        List.of("x".repeat(101), "é".repeat(51), "1 ".repeat(11), "((((1))))", "1;2;3")) {
      assertThatThrownBy(() -> StatementSplitter.split(SqlScanner.scan(text, small, V15), small))
          .isInstanceOfSatisfying(
              UnreadableException.class,
              e -> assertThat(e.toAnalysis().sqlState()).isEqualTo("54000"));
    }
  }

  @Test
  void semicolonsInRulesAndRoutineBodiesDoNotEndAStatement() throws Exception {
    assertThat(split("CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b); SELECT 1"))
        .hasSize(2);
    assertThat(split("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END"))
        .hasSize(1);
    assertThat(split(";; SELECT 1 ;; SELECT 2;")).hasSize(2);
  }

  @Test
  void canonicalTextHasTheSameTokens() throws Exception {
    String[] pieces = {
      "'a'", "E'\\n'", "$$x$$", "1", "1.5", ".5", "a", "\"B\"", "e", "b", "u", "$1", " ", "\n", "-",
      "+", "*", "/", "@", "=", "(", ")", "[", "]", ",", "::", ":=", "select", "/* c */", "--\n",
      "U&'\\0041'", "x'f'", "n", "é", "values", "in"
    };
    Random random = new Random(1121);
    int read = 0;
    for (int i = 0; i < 200_000; i++) {
      StringBuilder text = new StringBuilder();
      for (int k = random.nextInt(8); k >= 0; k--) {
        text.append(pieces[random.nextInt(pieces.length)]);
      }
      List<Token> tokens;
      try {
        tokens = SqlScanner.scan(text.toString(), SqlLimits.DEFAULT, V15);
      } catch (UnreadableException e) {
        continue;
      }
      read++;
      String canonical = CanonicalText.of(tokens);
      assertThat(meaning(SqlScanner.scan(canonical, SqlLimits.DEFAULT, V15)))
          .as(text + " -> " + canonical)
          .isEqualTo(meaning(tokens));
    }
    assertThat(read).isGreaterThan(50_000);
  }

  /** The corpus says what PostgreSQL 15 did with each text. */
  @Test
  void theDifferentialCorpusIsReadAsPostgresql15ReadsIt() throws Exception {
    ObjectMapper json = new ObjectMapper();
    int checked = 0;
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                SqlScannerTest.class.getResourceAsStream(
                    "/corpora/lexer-differential-corpus.jsonl"),
                StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        JsonNode entry = json.readTree(line);
        String text = entry.get("sql").asText();
        String first = entry.get("pg_result").get(0).asText();
        boolean lexicalError = first.contains("trailing junk") || first.contains("unterminated");
        int commands = 0;
        boolean failed = false;
        for (JsonNode result : entry.get("pg_result")) {
          commands += result.asText().startsWith("C ") ? 1 : 0;
          failed |= result.asText().startsWith("E ");
        }
        if (lexicalError) {
          assertThatThrownBy(() -> canonical(text, V15))
              .as(text)
              .isInstanceOf(UnreadableException.class);
          checked++;
        } else if (!failed) {
          int statements = split(text).size();
          // Results of long answers are cut in the corpus: fewer tags than statements may remain.
          assertThat(statements).as(text).isGreaterThanOrEqualTo(commands);
          if (commands > 1) {
            assertThat(statements).as(text).isEqualTo(commands);
          }
          checked++;
        }
      }
    }
    assertThat(checked).isGreaterThan(40);
  }

  private static List<String> meaning(List<Token> tokens) {
    return tokens.stream()
        .map(token -> (token.isName() ? "NAME" : token.kind().toString()) + " " + token.text())
        .toList();
  }

  private static List<List<Token>> split(String text) throws UnreadableException {
    return StatementSplitter.split(
        SqlScanner.scan(text, SqlLimits.DEFAULT, V15), SqlLimits.DEFAULT);
  }

  private static String canonical(String text, int version)
      throws UnreadableException, IOException {
    List<List<Token>> statements =
        StatementSplitter.split(
            SqlScanner.scan(text, SqlLimits.DEFAULT, version), SqlLimits.DEFAULT);
    return String.join("; ", statements.stream().map(CanonicalText::of).toList());
  }
}
