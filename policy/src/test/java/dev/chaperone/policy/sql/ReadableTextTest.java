package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ReadableTextTest {

  @Test
  void namesOfOtherScriptsAreEscapedAndTextOfThemIsNot() {
    assertThat(ReadableText.of("select * from \u043erders where city = 'K\u00f6ln \u6771\u4eac'"))
        .isEqualTo("select * from \\u{43E}rders where city = 'K\u00f6ln \u6771\u4eac'");
    assertThat(ReadableText.of("select \"\u043e'x\" from t where a = 'it''s \u00e9'"))
        .isEqualTo("select \"\\u{43E}'x\" from t where a = 'it''s \u00e9'");
  }

  @Test
  void nothingThatMovesTheCursorOrTurnsTheWritingIsLeft() {
    assertThat(ReadableText.of("select 'a\u202eb\u001b[2Jc\nd\u200be\u00a0f'"))
        .isEqualTo("select 'a\\u{202E}b\\u{1B}[2Jc\\u{A}d\\u{200B}e\\u{A0}f'");
  }
}
