package dev.chaperone.control.resource;

import dev.chaperone.policy.VisibleText;

/** Text of a file, fit for a message. */
final class Quoted {
  private static final int LONGEST = 64;

  private Quoted() {}

  /** The text in one line, what is not visible replaced, cut if long. */
  static String safe(String text) {
    StringBuilder safe = new StringBuilder();
    for (int i = 0; i < text.length(); ) {
      if (safe.length() >= LONGEST) {
        return safe.append("...").toString();
      }
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      safe.appendCodePoint(VisibleText.isVisible(c) ? c : '\uFFFD');
    }
    return safe.toString();
  }
}
