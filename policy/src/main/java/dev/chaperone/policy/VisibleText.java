package dev.chaperone.policy;

import java.util.Locale;

/**
 * Text from elsewhere, fit to be shown to a person: in one line, and nothing in it moves the
 * cursor, turns the direction of writing or cannot be seen. What is not visible is written as an
 * escape, such as <code>\\u{202E}</code>. Letters of all scripts stay as they are, also where one
 * looks like another.
 */
public final class VisibleText {
  private static final int SHORT = 160;

  private VisibleText() {}

  /** The text, whole. */
  public static String of(String text) {
    return cut(text, Integer.MAX_VALUE);
  }

  /** The text, cut where it is long. */
  static String shortened(String text) {
    return cut(text, SHORT);
  }

  private static String cut(String text, int longest) {
    StringBuilder out = new StringBuilder(Math.min(text.length(), longest) + 8);
    int at = 0;
    while (at < text.length()) {
      if (out.length() >= longest) {
        return out.append("...").toString();
      }
      int c = text.codePointAt(at);
      at += Character.charCount(c);
      append(out, c, isVisible(c));
    }
    return out.toString();
  }

  /**
   * Appends a character.
   *
   * @param asItIs whether not as an escape
   */
  public static void append(StringBuilder out, int codePoint, boolean asItIs) {
    if (asItIs) {
      out.appendCodePoint(codePoint);
    } else {
      out.append("\\u{")
          .append(Integer.toHexString(codePoint).toUpperCase(Locale.ROOT))
          .append('}');
    }
  }

  /** Whether a character is seen, stands where it is seen, and is no line's end. */
  public static boolean isVisible(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> codePoint == ' ';
      case Character.NON_SPACING_MARK, Character.OTHER_LETTER, Character.OTHER_SYMBOL ->
          !isBlank(codePoint);
      default -> true;
    };
  }

  /** Letters, marks and signs that are drawn as nothing: fillers, joiners, variation selectors. */
  private static boolean isBlank(int c) {
    return c == 0x034f
        || c == 0x115f
        || c == 0x1160
        || c == 0x17b4
        || c == 0x17b5
        || (c >= 0x180b && c <= 0x180f)
        || c == 0x2800
        || c == 0x3164
        || (c >= 0xfe00 && c <= 0xfe0f)
        || c == 0xffa0
        || (c >= 0xe0100 && c <= 0xe01ef);
  }
}
