package dev.chaperone.policy.sql;

import java.util.ArrayList;
import java.util.List;

/**
 * What is recorded and shown of a text whose literals go into masked columns: its canonical form
 * with {@code '...'} for every literal.
 */
public final class TextWithoutLiterals {
  private static final String UNREADABLE = "(a text that cannot be read)";

  private TextWithoutLiterals() {}

  /**
   * The text without its literals.
   *
   * @param serverVersionNum as {@link Catalog#serverVersionNum()}
   */
  public static String of(String text, int serverVersionNum) {
    try {
      List<Token> tokens =
          SqlScanner.scan(
              text, SqlLimits.DEFAULT.withTextBytes(Integer.MAX_VALUE), serverVersionNum);
      List<Token> shown = new ArrayList<>(tokens.size());
      for (Token token : tokens) {
        shown.add(token.isLiteral() ? new Token(Token.Kind.STRING, "...", token.start()) : token);
      }
      return CanonicalText.of(shown);
    } catch (UnreadableException e) {
      return UNREADABLE;
    }
  }
}
