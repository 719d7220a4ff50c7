package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * Walks over the clauses of a query: where each one ends, what is between its commas. Parentheses
 * are passed as a whole.
 */
final class ClauseCursor extends QueryCursor {
  /** A stretch of tokens. */
  record Range(int start, int end) {}

  ClauseCursor(List<Token> tokens) {
    super(tokens);
  }

  Range clause() {
    int start = position;
    skipClause();
    return new Range(start, position);
  }

  /** Passes everything up to the next clause, the comma or parenthesis that ends this one. */
  void skipClause() {
    while (position < size && !endsClause(position)) {
      position =
          isPunctuation(position, "(") || isPunctuation(position, "[")
              ? closing(position) + 1
              : position + 1;
    }
  }

  boolean endsClause(int index) {
    Token token = tokens.get(index);
    if (token.kind() == Kind.PUNCTUATION) {
      return token.text().equals(")") || token.text().equals("]");
    }
    if (token.kind() != Kind.WORD || label[index]) {
      return false;
    }
    return switch (token.text()) {
      case "from" -> !isDistinctFrom(index);
      case "where", "having", "window", "into", "returning" -> true;
      case "group", "order" -> isWord(index + 1, "by");
      case "join", "natural", "cross", "inner", "left", "right", "full" -> isJoin(index);
      case "using" -> isPunctuation(index + 1, "(");
      case "on" -> true;
      default -> isSetOperator(index) || isTailWord(index);
    };
  }

  /** LEFT and RIGHT may be functions; the others only join. */
  boolean isJoin(int index) {
    return !isPunctuation(index + 1, "(") || isWord(index, "join");
  }

  boolean isSetOperator(int index) {
    return !isLabel(index)
        && (isWord(index, "union") || isWord(index, "intersect") || isWord(index, "except"));
  }

  boolean isTailWord(int index) {
    return !isLabel(index)
        && ((isWord(index, "order") && isWord(index + 1, "by"))
            || isWord(index, "limit")
            || isWord(index, "offset")
            || isWord(index, "fetch")
            || isWord(index, "for"));
  }

  boolean isLabel(int index) {
    return index < size && label[index];
  }

  boolean isQueryHead(int index) {
    return !isLabel(index)
        && (isWord(index, "select")
            || (isWord(index, "values") && isPunctuation(index + 1, "("))
            || isWord(index, "with")
            || isWord(index, "table"));
  }

  /** Whether a name without AS behind a FROM item is its alias. */
  boolean isAlias(int index) {
    if (index >= size || !tokens.get(index).isName()) {
      return false;
    }
    if (tokens.get(index).kind() == Kind.QUOTED) {
      return true;
    }
    return !Keywords.isReserved(tokens.get(index).text())
        && switch (tokens.get(index).text()) {
          case "left",
              "right",
              "full",
              "inner",
              "outer",
              "cross",
              "natural",
              "join",
              "tablesample" ->
              false;
          default -> true;
        };
  }

  List<Range> split(int start, int end) throws ColumnUsageException {
    List<Range> parts = new ArrayList<>();
    int part = start;
    int i = start;
    while (i < end) {
      if (isPunctuation(i, "(") || isPunctuation(i, "[")) {
        i = closing(i) + 1;
        continue;
      }
      if (isPunctuation(i, ",")) {
        parts.add(new Range(part, i));
        part = i + 1;
      }
      i++;
    }
    if (i > end) {
      throw ColumnRefusals.unclear();
    }
    parts.add(new Range(part, end));
    return parts;
  }

  /** Where the parenthesis or bracket that opens here is closed. */
  int closing(int open) {
    int depth = 0;
    for (int i = open; i < size; i++) {
      if (isPunctuation(i, "(") || isPunctuation(i, "[")) {
        depth++;
      } else if ((isPunctuation(i, ")") || isPunctuation(i, "]")) && --depth == 0) {
        return i;
      }
    }
    return size - 1;
  }

  /** {@code (a, b, c)}: names and nothing else, no field or element of a column. */
  List<String> columnList() throws ColumnUsageException {
    int end = closing(position);
    List<String> names = new ArrayList<>();
    for (Range part : split(position + 1, end)) {
      if (part.end() - part.start() != 1 || !tokens.get(part.start()).isName()) {
        throw ColumnRefusals.unclear();
      }
      names.add(tokens.get(part.start()).text());
    }
    position = end + 1;
    return names;
  }

  String name() throws ColumnUsageException {
    if (position >= size || !tokens.get(position).isName()) {
      throw ColumnRefusals.unclear();
    }
    return tokens.get(position++).text();
  }

  void expect(String word) throws ColumnUsageException {
    if (!isWord(position, word)) {
      throw ColumnRefusals.unclear();
    }
    position++;
  }

  boolean accept(String mark) {
    if (isPunctuation(position, mark)) {
      position++;
      return true;
    }
    return false;
  }

  /** Whether INSERT, UPDATE, DELETE or MERGE stands here. */
  boolean isDml() {
    return isWord(position, "insert")
        || isWord(position, "update")
        || isWord(position, "delete")
        || isWord(position, "merge");
  }

  /** Whether a name, and no key word, stands here that is not a label. */
  boolean isNameHere(int index) {
    if (index >= size || label[index]) {
      return false;
    }
    Token token = tokens.get(index);
    return token.kind() == Kind.QUOTED
        || (token.kind() == Kind.WORD && !Keywords.isReserved(token.text()));
  }

  /** Whether a token may be a key word of an expression. */
  static boolean isSyntax(Token token) {
    return token.kind() == Kind.WORD
        && (Keywords.isReserved(token.text())
            || Keywords.isSyntax(token.text())
            || Keywords.isInExpressions(token.text()));
  }
}
