package dev.chaperone.policy.sql;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts the tokens of a text into statements where the server's grammar does: at a semicolon, unless
 * it stands in the body of a SQL-standard routine ({@code BEGIN ATOMIC ... END}) or between the
 * parentheses of {@code CREATE RULE ... DO (...)}.
 */
final class StatementSplitter {
  private final List<Token> tokens;
  private final SqlLimits limits;
  private final List<List<Token>> statements = new ArrayList<>();

  private StatementSplitter(List<Token> tokens, SqlLimits limits) {
    this.tokens = tokens;
    this.limits = limits;
  }

  /** The statements that are not empty, in order. */
  static List<List<Token>> split(List<Token> tokens, SqlLimits limits) throws UnreadableException {
    StatementSplitter splitter = new StatementSplitter(tokens, limits);
    splitter.split();
    return splitter.statements;
  }

  private void split() throws UnreadableException {
    int start = 0;
    int depth = 0;
    for (int i = 0; i < tokens.size(); i++) {
      Token token = tokens.get(i);
      if (token.kind() == Token.Kind.PUNCTUATION) {
        switch (token.text()) {
          case "(", "[" -> {
            if (++depth > limits.depth()) {
              throw UnreadableException.limit(
                  "the text nests deeper than " + limits.depth() + " levels");
            }
          }
          case ")", "]" -> {
            if (--depth < 0) {
              throw UnreadableException.syntax(
                  "unbalanced \"" + token.text() + "\"", token.start());
            }
          }
          case ";" -> {
            if (depth == 0) {
              end(start, i);
              start = i + 1;
            } else if (!isRule(start)) {
              throw UnreadableException.syntax("unbalanced \"(\"", token.start());
            }
          }
          default -> {}
        }
      } else if (token.isWord("atomic")
          // In a parenthesis it is the type of a parameter.
          && depth == 0
          && i > start
          && tokens.get(i - 1).isWord("begin")
          && isRoutine(start)) {
        // Where the body ends is the grammar's to know: `SELECT 1 end` may name a column. The rest
        // of the text stays one statement, and RoutineBody says whether it is surely the body
        // alone.
        end(start, tokens.size());
        return;
      }
    }
    if (depth > 0) {
      throw UnreadableException.syntax("unbalanced \"(\"", tokens.get(tokens.size() - 1).start());
    }
    end(start, tokens.size());
  }

  private void end(int from, int to) throws UnreadableException {
    if (from < to) {
      if (statements.size() == limits.statements()) {
        throw UnreadableException.limit(
            "the text has more than " + limits.statements() + " statements");
      }
      statements.add(tokens.subList(from, to));
    }
  }

  private boolean isRule(int start) {
    return wordAfterCreateOrReplace(start).equals("rule");
  }

  private boolean isRoutine(int start) {
    String word = wordAfterCreateOrReplace(start);
    return word.equals("function") || word.equals("procedure");
  }

  private String wordAfterCreateOrReplace(int start) {
    if (!isWord(start, "create")) {
      return "";
    }
    int next = isWord(start + 1, "or") && isWord(start + 2, "replace") ? start + 3 : start + 1;
    return next < tokens.size() && tokens.get(next).kind() == Token.Kind.WORD
        ? tokens.get(next).text()
        : "";
  }

  private boolean isWord(int index, String word) {
    return index < tokens.size() && tokens.get(index).isWord(word);
  }
}
