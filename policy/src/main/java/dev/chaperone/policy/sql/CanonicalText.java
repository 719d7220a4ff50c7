package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.Token.Kind;
import java.util.List;

/**
 * Writes tokens as text that every reader of SQL reads alike: no comments, standard literals, one
 * space, identifiers in quotes where they need them. Scanning the result gives the same tokens.
 */
final class CanonicalText {
  private CanonicalText() {}

  /** The text of a statement. */
  static String of(List<Token> tokens) {
    StringBuilder text = new StringBuilder(tokens.size() * 8);
    Token previous = null;
    for (Token token : tokens) {
      if (previous != null && !isTight(previous, token)) {
        text.append(' ');
      }
      append(text, token);
      previous = token;
    }
    return text.toString();
  }

  /**
   * The text of a statement for the grammar: every literal replaced by a plain one, so that what
   * the grammar says cannot depend on literals, and long lists of literals shortened, since they
   * make no difference to tables, columns and clauses.
   */
  static String withoutLiterals(List<Token> tokens) {
    StringBuilder text = new StringBuilder(Math.min(tokens.size(), 4096) * 8);
    Token previous = null;
    for (int i = 0; i < tokens.size(); i++) {
      Token token = tokens.get(i);
      while (repeatsLiteral(tokens, i)) {
        // At the comma of ", 2" after a literal of the same kind.
        i += 2;
        token = i < tokens.size() ? tokens.get(i) : null;
        if (token == null) {
          return text.toString();
        }
      }
      int row = repeatedRow(tokens, i);
      if (row > i) {
        i = row - 1;
        continue;
      }
      if (previous != null && !isTight(previous, token)) {
        text.append(' ');
      }
      switch (token.kind()) {
        case STRING -> text.append("'x'");
        case NUMBER -> text.append('1');
        default -> append(text, token);
      }
      previous = token;
    }
    return text.toString();
  }

  private static boolean repeatsLiteral(List<Token> tokens, int comma) {
    return comma >= 1
        && comma + 2 < tokens.size()
        && tokens.get(comma).isPunctuation(",")
        && tokens.get(comma - 1).isLiteral()
        && tokens.get(comma + 1).kind() == tokens.get(comma - 1).kind()
        && (tokens.get(comma + 2).isPunctuation(",") || tokens.get(comma + 2).isPunctuation(")"));
  }

  /** Past the rows of literals alone that follow a row at {@code comma}, or {@code comma}. */
  private static int repeatedRow(List<Token> tokens, int comma) {
    int end = comma;
    while (end >= 1
        && end + 2 < tokens.size()
        && tokens.get(end).isPunctuation(",")
        && tokens.get(end - 1).isPunctuation(")")
        && tokens.get(end + 1).isPunctuation("(")) {
      int i = end + 2;
      while (i + 1 < tokens.size()
          && isPlainValue(tokens.get(i))
          && tokens.get(i + 1).isPunctuation(",")) {
        i += 2;
      }
      if (i + 1 >= tokens.size()
          || !isPlainValue(tokens.get(i))
          || !tokens.get(i + 1).isPunctuation(")")) {
        return end;
      }
      end = i + 2;
    }
    return end;
  }

  private static boolean isPlainValue(Token token) {
    return token.isLiteral()
        || token.kind() == Kind.PARAMETER
        || token.isWord("null")
        || token.isWord("default")
        || token.isWord("true")
        || token.isWord("false");
  }

  private static boolean isTight(Token previous, Token token) {
    // "1 ." and ". 1" would read as one number.
    if (previous.kind() == Kind.NUMBER || token.kind() == Kind.NUMBER) {
      return isOpening(previous) || isClosing(token);
    }
    if (token.isPunctuation(".") || previous.isPunctuation(".")) {
      // ". ." would read as the one token of PL/pgSQL's ranges.
      return !(previous.text().endsWith(".") && token.text().startsWith("."));
    }
    if (isOpening(previous) || isClosing(token)) {
      return true;
    }
    return token.isPunctuation("(")
        && previous.isName()
        && !(previous.kind() == Kind.WORD && Keywords.mayPrecedeParenthesis(previous.text()));
  }

  private static boolean isOpening(Token token) {
    return token.isPunctuation("(") || token.isPunctuation("[");
  }

  private static boolean isClosing(Token token) {
    return token.isPunctuation(")")
        || token.isPunctuation("]")
        || token.isPunctuation(",")
        || token.isPunctuation(";");
  }

  private static void append(StringBuilder text, Token token) {
    switch (token.kind()) {
      case WORD -> {
        if (isPlain(token.text())) {
          text.append(token.text());
        } else {
          quote(text, token.text(), '"');
        }
      }
      case QUOTED -> quote(text, token.text(), '"');
      case STRING -> quote(text, token.text(), '\'');
      case BITS -> quote(text.append('b'), token.text(), '\'');
      case HEX -> quote(text.append('x'), token.text(), '\'');
      default -> text.append(token.text());
    }
  }

  /** Appends a name with quotes where it needs them. */
  static String name(String identifier) {
    if (isPlain(identifier)) {
      return identifier;
    }
    StringBuilder text = new StringBuilder(identifier.length() + 2);
    quote(text, identifier, '"');
    return text.toString();
  }

  private static void quote(StringBuilder text, String value, char quote) {
    text.append(quote);
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == quote) {
        text.append(quote);
      }
      text.append(c);
    }
    text.append(quote);
  }

  /** Whether an identifier reads the same without quotes. */
  private static boolean isPlain(String identifier) {
    for (int i = 0; i < identifier.length(); i++) {
      char c = identifier.charAt(i);
      if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9'))) {
        return false;
      }
    }
    return true;
  }
}
