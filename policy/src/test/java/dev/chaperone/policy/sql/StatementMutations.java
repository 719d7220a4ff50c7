package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Changes statements that are known, crosses them with others, and spells them in other ways. */
final class StatementMutations {
  private static final String[] NESTS = {
    "EXPLAIN %s",
    "PREPARE n3 AS %s; EXECUTE n3",
    "DECLARE c7 CURSOR FOR %s; FETCH 1 FROM c7",
    "COPY (%s) TO STDOUT",
    "SELECT * FROM (%s) AS x",
    "SELECT (%s)",
    "SELECT ARRAY(%s)",
    "WITH x AS (%s) SELECT * FROM x",
    "SELECT 1 WHERE EXISTS (%s)",
    "(%s) UNION ALL SELECT 1",
    "CREATE TEMP VIEW n4 AS %s; SELECT * FROM n4",
    "SELECT x FROM LATERAL (%s) AS x ORDER BY x",
    "SELECT x.purge_int FROM (%s) AS x",
  };

  private final List<List<Token>> known = new ArrayList<>();
  private final List<Token> names = new ArrayList<>();
  private final GrammarGenerator grammar;
  private final Random random;
  private final int serverVersion;

  StatementMutations(
      List<String> statements, GrammarGenerator grammar, Random random, int serverVersion) {
    this.grammar = grammar;
    this.random = random;
    this.serverVersion = serverVersion;
    for (String statement : statements) {
      List<Token> tokens = scan(statement);
      if (!tokens.isEmpty() && tokens.size() < 300) {
        known.add(tokens);
        tokens.stream().filter(Token::isName).forEach(names::add);
      }
    }
  }

  /** A statement of the grammar, or a changed one. */
  String next() {
    return switch (random.nextInt(4)) {
      case 0, 1 -> spell(grammar.make("statement"));
      case 2 -> nest(mutate(any(known)));
      default -> nest(mutate(scan(grammar.make("query"))));
    };
  }

  private List<Token> scan(String text) {
    try {
      return SqlScanner.scan(text, SqlLimits.DEFAULT, serverVersion);
    } catch (UnreadableException e) {
      return List.of();
    }
  }

  private <T> T any(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  private String nest(List<Token> tokens) {
    String text = CanonicalText.of(tokens);
    return spell(
        random.nextInt(3) > 0 ? text : NESTS[random.nextInt(NESTS.length)].formatted(text));
  }

  private List<Token> mutate(List<Token> statement) {
    List<Token> tokens = new ArrayList<>(statement);
    for (int i = random.nextInt(3); i >= 0 && !tokens.isEmpty(); i--) {
      int at = random.nextInt(tokens.size());
      switch (random.nextInt(8)) {
        case 0 -> tokens.remove(at);
        case 1 -> tokens.add(at, any(names));
        case 2, 3 -> name(tokens, at);
        case 4 -> replaceGroup(tokens, at, scan(grammar.make("any")));
        case 5 -> replaceGroup(tokens, at, any(known));
        case 6 -> value(tokens, at);
        default -> cross(tokens, at);
      }
    }
    return tokens;
  }

  /** The next name becomes another one. */
  private void name(List<Token> tokens, int from) {
    for (int i = from; i < tokens.size(); i++) {
      if (tokens.get(i).isName()) {
        List<Token> replacement = random.nextBoolean() ? List.of(any(names)) : generatedName();
        tokens.remove(i);
        tokens.addAll(i, replacement);
        return;
      }
    }
  }

  private List<Token> generatedName() {
    String[] rules = {"name", "harm", "table", "type", "column", "call", "any"};
    return scan(grammar.make(rules[random.nextInt(rules.length)]));
  }

  /** The next literal or parameter becomes an expression. */
  private void value(List<Token> tokens, int from) {
    for (int i = from; i < tokens.size(); i++) {
      if (tokens.get(i).isLiteral() || tokens.get(i).kind() == Kind.PARAMETER) {
        tokens.remove(i);
        tokens.addAll(i, scan(grammar.make("any")));
        return;
      }
    }
  }

  /** What stands in the next parentheses becomes something else. */
  private static void replaceGroup(List<Token> tokens, int from, List<Token> replacement) {
    int start = from;
    while (start < tokens.size() && !tokens.get(start).isPunctuation("(")) {
      start++;
    }
    int depth = 0;
    for (int end = start; end < tokens.size(); end++) {
      if (tokens.get(end).isPunctuation("(")) {
        depth++;
      } else if (tokens.get(end).isPunctuation(")") && --depth == 0) {
        tokens.subList(start + 1, end).clear();
        tokens.addAll(start + 1, replacement);
        return;
      }
    }
  }

  /** The rest becomes that of another statement. */
  private void cross(List<Token> tokens, int from) {
    List<Token> other = any(known);
    tokens.subList(from, tokens.size()).clear();
    tokens.addAll(other.subList(random.nextInt(other.size()), other.size()));
  }

  /** The same text as a client may write it. */
  private String spell(String text) {
    if (random.nextInt(3) > 0) {
      return text;
    }
    StringBuilder spelled = new StringBuilder();
    for (String word : text.split(" ", -1)) {
      spelled.append(word);
      spelled.append(
          switch (random.nextInt(20)) {
            case 0 -> "/* ; /* nested */ ' */";
            case 1 -> " -- ; '\n";
            case 2 -> "\t";
            case 3 -> "\r\n";
            case 4 -> "\f ";
            default -> " ";
          });
    }
    return spelled.toString();
  }
}
