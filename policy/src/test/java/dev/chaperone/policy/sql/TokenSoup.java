package dev.chaperone.policy.sql;

import java.util.Random;

/** Random tokens behind SELECT, spelled in every way the lexer has. */
final class TokenSoup {
  private static final String[] TOKENS = {
    "1",
    "2.5",
    ".5",
    "1e3",
    "1.",
    "'a'",
    "'it''s'",
    "E'a\\'b'",
    "e'\\x41\\101\\u0041'",
    "U&'\\0041'",
    "U&'!0041' UESCAPE '!'",
    "B'10'",
    "x'1F'",
    "N'n'",
    "$$a'b$$",
    "$q$ $$ $q$",
    "'a'\n'b'",
    "'a' -- c\n  'b'",
    "'a' 'b'",
    "a",
    "\"a\"",
    "\"A b\"",
    "U&\"\\0061\"",
    "U&\"d!0061ta\" UESCAPE '!'",
    "A",
    "é",
    "a$1",
    "\"select\"",
    "null",
    "true",
    "+",
    "-",
    "*",
    "/",
    "<",
    ">",
    "=",
    "<>",
    "!=",
    "||",
    "+-",
    "@-",
    "*-1",
    "<=",
    "=>",
    "::",
    "int",
    "text",
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    ",",
    ",",
    ".",
    ":",
    "$1",
    "$2",
    "as",
    "from",
    "where",
    "and",
    "or",
    "not",
    "is",
    "distinct",
    "in",
    "like",
    "between",
    "case",
    "when",
    "then",
    "else",
    "end",
    "interval",
    "'1' day",
    "pg_class",
    "pg_catalog.pg_class",
    "lower(",
    "count(*)",
    "values",
    "union",
    "select",
    "order by",
    "limit",
    "array[",
    "row(",
    "cast(",
    "operator(pg_catalog.+)",
    "collate \"C\"",
    "at time zone",
    ";",
    "into",
    "x",
    "over ()",
    "--",
    "/*",
    "*/",
    "numeric(3)",
    "timestamp",
    "char",
    "\"char\"",
    "nchar",
    "bit varying",
    "double precision"
  };

  private static final String[] SHAPES = {
    "SELECT %s",
    "SELECT %s FROM pg_class",
    "SELECT 1 FROM pg_class a WHERE %s",
    "VALUES (%s)",
    "SELECT (%s)",
    "SELECT 1 AS %s",
    "TABLE %s",
    "%s",
    "SELECT * FROM %s",
    "SELECT 1 ORDER BY %s"
  };

  private TokenSoup() {}

  static String next(Random random) {
    StringBuilder soup = new StringBuilder();
    int count = 1 + random.nextInt(random.nextInt(3) == 0 ? 9 : 4);
    for (int i = 0; i < count; i++) {
      if (i > 0) {
        soup.append(space(random));
      }
      String token = TOKENS[random.nextInt(TOKENS.length)];
      soup.append(token);
      // Half of the time what was opened is closed again.
      if ((token.endsWith("(") || token.endsWith("[")) && random.nextBoolean()) {
        soup.append("1").append(token.endsWith("(") ? ")" : "]");
      }
    }
    return SHAPES[random.nextInt(SHAPES.length)]
        .formatted(soup)
        .replace("cast(1)", "cast(1 as int)");
  }

  private static String space(Random random) {
    return switch (random.nextInt(14)) {
      case 0, 1, 2 -> "";
      case 3 -> "\n";
      case 4 -> "\t";
      case 5 -> "/* c */";
      case 6 -> " -- c\n";
      case 7 -> "/* a /* b */ -- */";
      case 8 -> "\r";
      case 9 -> "\f";
      default -> " ";
    };
  }
}
