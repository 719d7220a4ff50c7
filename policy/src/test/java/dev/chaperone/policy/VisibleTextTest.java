package dev.chaperone.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class VisibleTextTest {
  private static final List<Byte> TURNS_THE_WRITING =
      List.of(
          Character.DIRECTIONALITY_LEFT_TO_RIGHT_EMBEDDING,
          Character.DIRECTIONALITY_LEFT_TO_RIGHT_OVERRIDE,
          Character.DIRECTIONALITY_LEFT_TO_RIGHT_ISOLATE,
          Character.DIRECTIONALITY_RIGHT_TO_LEFT_EMBEDDING,
          Character.DIRECTIONALITY_RIGHT_TO_LEFT_OVERRIDE,
          Character.DIRECTIONALITY_RIGHT_TO_LEFT_ISOLATE,
          Character.DIRECTIONALITY_POP_DIRECTIONAL_FORMAT,
          Character.DIRECTIONALITY_POP_DIRECTIONAL_ISOLATE);

  @Test
  void whatCannotBeSeenIsWrittenAsAnEscape() {
    assertThat(VisibleText.of("a\u202eb\u001b[2J\r\nc\td\u200be\u00a0f\u2028\u2029\ue000"))
        .isEqualTo(
            "a\\u{202E}b\\u{1B}[2J\\u{D}\\u{A}c\\u{9}d\\u{200B}e\\u{A0}f\\u{2028}\\u{2029}"
                + "\\u{E000}");
    assertThat(VisibleText.of("\ud83d tail \udb40\udc41")).isEqualTo("\\u{D83D} tail \\u{E0041}");
  }

  @Test
  void lettersThatAreDrawnAsNothingAreNotTakenForNothing() {
    assertThat(VisibleText.of("a\u3164b\u115f\u1160\uffa0\u2800c\ufe0f\u034f\udb40\udd00"))
        .isEqualTo("a\\u{3164}b\\u{115F}\\u{1160}\\u{FFA0}\\u{2800}c\\u{FE0F}\\u{34F}\\u{E0100}");
  }

  @Test
  void lettersOfAllScriptsStay() {
    String text = "K\u00f6ln \u6771\u4eac \u05d0\u043e \ud83d\ude42 e\u0301 'x' \\u{41}";
    assertThat(VisibleText.of(text)).isEqualTo(text);
    assertThat(VisibleText.of("")).isEmpty();
  }

  @Test
  void everyCharacterIsEitherItselfOrAscii() {
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      String shown = VisibleText.of(Character.toString(c));
      if (!shown.equals(Character.toString(c))) {
        assertThat(shown).matches("\\\\u\\{[0-9A-F]+\\}");
        assertThat(Integer.parseInt(shown.substring(3, shown.length() - 1), 16)).isEqualTo(c);
      } else {
        assertThat(Character.isISOControl(c)).as("shown as it is: %x", c).isFalse();
        assertThat(Character.getDirectionality(c))
            .as("shown as it is: %x", c)
            .isNotIn(TURNS_THE_WRITING);
      }
    }
  }

  @Test
  void whatIsLongIsCutAndNeverWithinACharacter() {
    assertThat(VisibleText.shortened("x".repeat(160))).isEqualTo("x".repeat(160));
    assertThat(VisibleText.shortened("x".repeat(161))).isEqualTo("x".repeat(160) + "...");
    assertThat(VisibleText.shortened("x".repeat(159) + "\ud83d\ude42y"))
        .isEqualTo("x".repeat(159) + "\ud83d\ude42...");
  }
}
