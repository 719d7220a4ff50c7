package dev.chaperone.policy.sql;

import java.util.ArrayList;
import java.util.List;

/** Walks over the tokens of a query, and knows which of them are labels. */
class QueryCursor {
  final List<Token> tokens;
  final int size;

  /** Tokens that are labels or parts of a qualified name, whatever they spell. */
  final boolean[] label;

  int position;

  QueryCursor(List<Token> tokens) {
    this.tokens = tokens;
    this.size = tokens.size();
    this.label = labels(tokens);
  }

  /**
   * Which tokens are labels or parts of a qualified name, whatever key word they spell: those after
   * a dot and those after AS, unless that AS is itself a label ({@code SELECT 1 AS as FROM t}).
   */
  private static boolean[] labels(List<Token> tokens) {
    boolean[] label = new boolean[tokens.size()];
    for (int i = 1; i < label.length; i++) {
      Token previous = tokens.get(i - 1);
      label[i] =
          tokens.get(i).isName()
              && (previous.isPunctuation(".") || (previous.isWord("as") && !label[i - 1]));
    }
    return label;
  }

  boolean isWord(int index, String word) {
    return index >= 0 && index < size && tokens.get(index).isWord(word);
  }

  boolean isPunctuation(int index, String mark) {
    return index >= 0 && index < size && tokens.get(index).isPunctuation(mark);
  }

  /** {@code IS [NOT] DISTINCT FROM}, which is an operator, with its FROM here. */
  boolean isDistinctFrom(int index) {
    if (index < 2 || !isWord(index - 1, "distinct") || label[index - 1]) {
      return false;
    }
    int before = isWord(index - 2, "not") ? index - 3 : index - 2;
    return isWord(before, "is") && !label[before];
  }

  /** Passes a qualified name; empty if there is none. */
  List<String> chain() {
    List<String> names = new ArrayList<>(3);
    while (position < size && tokens.get(position).isName()) {
      names.add(tokens.get(position).text());
      position++;
      if (isPunctuation(position, ".")
          && position + 1 < size
          && tokens.get(position + 1).isName()) {
        position++;
      } else {
        break;
      }
    }
    return names;
  }
}
