package dev.chaperone.recording;

import java.text.Normalizer;
import java.util.EnumSet;
import java.util.Set;

/**
 * Text from elsewhere, made safe to be shown on a terminal: one line, no control characters,
 * nothing that changes direction or cannot be seen, and no letter that only looks like one of
 * ASCII's. Everything else is written as {@code \}u{hex}, a backslash as two.
 */
final class SafeText {
  /** Scripts whose letters neither look like ASCII's nor are written from right to left. */
  private static final Set<Character.UnicodeScript> DISTINCT =
      EnumSet.of(
          Character.UnicodeScript.HAN,
          Character.UnicodeScript.HIRAGANA,
          Character.UnicodeScript.KATAKANA,
          Character.UnicodeScript.HANGUL,
          Character.UnicodeScript.THAI,
          Character.UnicodeScript.DEVANAGARI,
          Character.UnicodeScript.BENGALI,
          Character.UnicodeScript.TAMIL);

  private SafeText() {}

  /** The text, cut where it is longer than so many characters. */
  static String of(String text, int longest) {
    StringBuilder safe = new StringBuilder(Math.min(text.length(), longest) + 8);
    append(safe, text, longest);
    return safe.toString();
  }

  /** Appends the text. */
  static void append(StringBuilder out, String text, int longest) {
    int end = out.length() + longest;
    int at = 0;
    while (at < text.length()) {
      if (out.length() >= end) {
        out.append("...");
        return;
      }
      int c = text.codePointAt(at);
      at += Character.charCount(c);
      escape(out, c);
    }
  }

  private static void escape(StringBuilder out, int c) {
    if (c == '\\') {
      out.append("\\\\");
    } else if (isPlain(c)) {
      out.appendCodePoint(c);
    } else {
      out.append("\\u{").append(Integer.toHexString(c)).append('}');
    }
  }

  private static boolean isPlain(int c) {
    if (c < 0x80) {
      return c >= ' ' && c != 0x7f;
    }
    if (!Character.isLetter(c)) {
      return false;
    }
    boolean latin1 = c >= 0xc0 && c <= 0xff;
    return latin1
        || (DISTINCT.contains(Character.UnicodeScript.of(c))
            && Normalizer.isNormalized(Character.toString(c), Normalizer.Form.NFKC));
  }
}
