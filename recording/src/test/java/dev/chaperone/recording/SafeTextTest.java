package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafeTextTest {
  @ParameterizedTest
  @CsvSource({
    "a\u001b[2Jb, a\\u{1b}[2Jb",
    "a\u202eb, a\\u{202e}b",
    "a\u200bb, a\\u{200b}b",
    "\u0430dmin, \\u{430}dmin",
    "\uff21, \\u{ff21}",
    "\ud835\udc00, \\u{1d400}",
    "e\u0301, e\\u{301}",
    "a\\u{41}, a\\\\u{41}",
    "a\u2028b, a\\u{2028}b",
    "\u05d0, \\u{5d0}",
    "\u00e4\u00d7, \u00e4\\u{d7}",
    "\u4f60\u597d, \u4f60\u597d",
  })
  void nothingCanFoolATerminal(String text, String safe) {
    assertThat(SafeText.of(text, 100)).isEqualTo(safe);
  }

  @Test
  void noControlCharacterGetsThrough() {
    for (int c = 0; c <= 0x2fff; c++) {
      if (c >= 0xd800 && c <= 0xdfff) {
        continue;
      }
      String safe = SafeText.of(Character.toString(c), 100);
      assertThat(
              safe.codePoints().noneMatch(s -> s < ' ' || Character.getType(s) == Character.FORMAT))
          .isTrue();
    }
  }

  @Test
  void longTextIsCut() {
    assertThat(SafeText.of("x".repeat(100), 10)).isEqualTo("x".repeat(10) + "...");
  }
}
