package dev.chaperone.policy;

/** Makes what the agent wrote fit to be shown. */
final class Texts {
  private static final int LONGEST = 160;

  private Texts() {}

  /** The text in one line: control, format and other invisible characters escaped, cut if long. */
  static String safe(String text) {
    StringBuilder safe = new StringBuilder(Math.min(text.length(), LONGEST) + 8);
    int at = 0;
    while (at < text.length()) {
      int c = text.codePointAt(at);
      if (safe.length() >= LONGEST) {
        return safe.append("...").toString();
      }
      at += Character.charCount(c);
      if (isVisible(c)) {
        safe.appendCodePoint(c);
      } else {
        safe.append(String.format("\\u{%x}", c));
      }
    }
    return safe.toString();
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
