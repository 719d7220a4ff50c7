package dev.chaperone.policy.sql;

import dev.chaperone.policy.VisibleText;

/**
 * Canonical text as a person may safely read it: nothing in it moves the cursor, turns the
 * direction of writing, or looks like another character.
 *
 * <p>Outside of string literals everything but printable ASCII is escaped, since names of other
 * scripts can look like those of a table that is meant. Within them letters of all scripts stay,
 * and what is not visible is escaped, as {@link VisibleText} does.
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
      VisibleText.append(out, c, inLiteral ? VisibleText.isVisible(c) : c >= ' ' && c < 0x7f);
    }
    return out.toString();
  }
}
