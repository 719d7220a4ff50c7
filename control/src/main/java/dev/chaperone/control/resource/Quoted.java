package dev.chaperone.control.resource;

/** Text of a file, fit for a message. */
final class Quoted {
  private static final int LONGEST = 64;

  private Quoted() {}

  /** The text in one line, control characters replaced, cut if long. */
  static String safe(String text) {
    StringBuilder safe = new StringBuilder();
    for (int i = 0; i < text.length(); ) {
      if (safe.length() >= LONGEST) {
        return safe.append("...").toString();
      }
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      int type = Character.getType(c);
      boolean visible =
          c == ' '
              || !(Character.isISOControl(c)
                  || type == Character.FORMAT
                  || type == Character.SURROGATE
                  || type == Character.UNASSIGNED
                  || Character.isWhitespace(c));
      safe.appendCodePoint(visible ? c : '\uFFFD');
    }
    return safe.toString();
  }
}
