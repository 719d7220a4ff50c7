package dev.chaperone.policy.sql;

import java.util.ArrayList;
import java.util.List;

/** Walks over the tokens of one statement. */
final class Cursor {
  private final List<Token> tokens;
  private int position;

  Cursor(List<Token> tokens) {
    this.tokens = tokens;
  }

  boolean atEnd() {
    return position >= tokens.size();
  }

  int position() {
    return position;
  }

  void advance() {
    position++;
  }

  /** The key word here in lower case, or an empty string. */
  String word() {
    return word(0);
  }

  /** The key word so many tokens ahead, or an empty string. */
  String word(int ahead) {
    int index = position + ahead;
    return index < tokens.size() && tokens.get(index).kind() == Token.Kind.WORD
        ? tokens.get(index).text()
        : "";
  }

  Token token() {
    return tokens.get(position);
  }

  boolean isPunctuation(String mark) {
    return !atEnd() && token().isPunctuation(mark);
  }

  boolean isName() {
    return !atEnd() && token().isName();
  }

  /** Passes the words if they stand here, in this order. */
  boolean accept(String... words) {
    for (int i = 0; i < words.length; i++) {
      if (!word(i).equals(words[i])) {
        return false;
      }
    }
    position += words.length;
    return true;
  }

  /** Passes one of the words if it stands here. */
  boolean acceptAny(String... words) {
    for (String word : words) {
      if (word().equals(word)) {
        position++;
        return true;
      }
    }
    return false;
  }

  boolean acceptPunctuation(String mark) {
    if (isPunctuation(mark)) {
      position++;
      return true;
    }
    return false;
  }

  /** Passes a qualified name; empty if there is none. */
  List<String> name() {
    List<String> names = new ArrayList<>(3);
    while (isName()) {
      names.add(token().text());
      position++;
      if (isPunctuation(".") && position + 1 < tokens.size() && tokens.get(position + 1).isName()) {
        position++;
      } else {
        break;
      }
    }
    return names;
  }

  /** Passes a parenthesis and everything in it; the tokens between. */
  List<Token> parenthesis() {
    int start = position + 1;
    int depth = 0;
    while (!atEnd()) {
      if (isPunctuation("(")) {
        depth++;
      } else if (isPunctuation(")")) {
        depth--;
      }
      position++;
      if (depth == 0) {
        return tokens.subList(start, position - 1);
      }
    }
    return tokens.subList(Math.min(start, tokens.size()), tokens.size());
  }

  /** The tokens from here on. */
  List<Token> rest() {
    return tokens.subList(Math.min(position, tokens.size()), tokens.size());
  }

  /** Whether the word stands anywhere from here on, outside of quotes. */
  boolean hasAhead(String... words) {
    for (int i = position; i + words.length <= tokens.size(); i++) {
      boolean all = true;
      for (int k = 0; k < words.length && all; k++) {
        all = tokens.get(i + k).isWord(words[k]);
      }
      if (all) {
        return true;
      }
    }
    return false;
  }
}
