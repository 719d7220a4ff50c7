package dev.chaperone.policy.sql;

/**
 * Canonical text as a person may safely read it: nothing in it moves the cursor, turns the
 * direction of writing, or looks like another character.
 *
 * <p>Outside of string literals everything but printable ASCII is escaped, since names of other
 * scripts can look like those of a table that is meant. Within them letters of all scripts stay,
 * and what is not visible is escaped. An escape is written <code>\\u{202E}</code>.
 */
public final class ReadableText {
  private ReadableText() {}

  /** A canonical text, whole. */
  public static String of(String canonical) {
    StringBuilder out = new StringBuilder(canonical.length() + 16);
    boolean inLiteral = false;
    boolean inName = false;
    int at = 0;
    while (at < canonical.length()) {
      int c = canonical.codePointAt(at);
      at += Character.charCount(c);
      inLiteral ^= c == '\'' && !inName;
      inName ^= c == '"' && !inLiteral;
      append(out, c, inLiteral ? isVisible(c) : c >= ' ' && c < 0x7f);
    }
    return out.toString();
  }

  /** Any other text: a value, a comment. */
  public static String value(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.codePoints().forEach(c -> append(out, c, isVisible(c)));
    return out.toString();
  }

  private static void append(StringBuilder out, int c, boolean asItIs) {
    if (asItIs) {
      out.appendCodePoint(c);
    } else {
      out.append(String.format("\\u{%X}", c));
    }
  }

  private static boolean isVisible(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }
}
