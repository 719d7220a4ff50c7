package dev.chaperone.cli.policy;

/** Text from elsewhere, made safe for a terminal. */
final class Printable {
  private Printable() {}

  /** Returns the text with control, format and private characters written as escapes. */
  static String of(String text) {
    StringBuilder safe = new StringBuilder();
    text.codePoints()
        .forEach(
            character -> {
              if (isPlain(character)) {
                safe.appendCodePoint(character);
              } else {
                safe.append(String.format("\\u{%x}", character));
              }
            });
    return safe.toString();
  }

  private static boolean isPlain(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.PRIVATE_USE,
          Character.SURROGATE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
