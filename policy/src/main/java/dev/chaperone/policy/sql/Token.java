package dev.chaperone.policy.sql;

/**
 * One token as the server's lexer sees it.
 *
 * @param kind what it is
 * @param text its meaning, not its spelling: identifiers folded and truncated, escapes of literals
 *     and quoted identifiers resolved
 * @param start where it starts in the text, in characters
 */
record Token(Kind kind, String text, int start) {

  /** The kinds of token. */
  enum Kind {
    /** An identifier or key word written without quotes. */
    WORD,
    /** An identifier in double quotes; never a key word. */
    QUOTED,
    /** A character string, however it was quoted. */
    STRING,
    /** {@code B'...'}. */
    BITS,
    /** {@code X'...'}. */
    HEX,
    NUMBER,
    /** {@code $1}; the text is the whole of it. */
    PARAMETER,
    OPERATOR,
    /** One of {@code , ( ) [ ] . ; : :: := ..}. */
    PUNCTUATION
  }

  /** Whether this is the key word {@code word}, written in lower case here. */
  boolean isWord(String word) {
    return kind == Kind.WORD && text.equals(word);
  }

  boolean isPunctuation(String mark) {
    return kind == Kind.PUNCTUATION && text.equals(mark);
  }

  boolean isOperator(String operator) {
    return kind == Kind.OPERATOR && text.equals(operator);
  }

  /** Whether this names something: a word or a quoted identifier. */
  boolean isName() {
    return kind == Kind.WORD || kind == Kind.QUOTED;
  }

  /** Whether this is a literal. */
  boolean isLiteral() {
    return kind == Kind.STRING || kind == Kind.NUMBER || kind == Kind.BITS || kind == Kind.HEX;
  }
}
