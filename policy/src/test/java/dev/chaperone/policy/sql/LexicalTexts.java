package dev.chaperone.policy.sql;

import java.nio.charset.StandardCharsets;
import java.util.Random;

/**
 * Texts that are hard on a lexer: literals of every form, broken ones, and what ends or hides them.
 * All that they do is select values.
 */
final class LexicalTexts {
  private static final String[] LITERALS = {
    "'a'",
    "''",
    "'it''s'",
    "'a\\'",
    "'a' \n 'b'",
    "'a' -- x\n  'b'",
    "'a' -- '\r 'b'",
    "'a'\f\n'b'",
    "E'\\''",
    "e'a\\\\'",
    "E'\\n\\t\\b\\f\\r'",
    "E'\\x41\\101\\u0041\\U00000041'",
    "E'\\xc3\\xa9'",
    "E'\\v'",
    "E'\\ud83d\\ude00'",
    "E'\\q'",
    "E'a'\n'\\x41'",
    "E'a''b\\''",
    "E'\\\n'",
    "U&'\\0041'",
    "U&'\\+000041'",
    "u&'\\d83d\\de00'",
    "U&'!0041' UESCAPE '!'",
    "U&'\\0041' UESCAPE '\\'",
    "U&'!0041' UESCAPE E'!'",
    "U&'!0041' UESCAPE $$!$$",
    "U&'a\\\\b'",
    "U&'\\00e9'\n'\\0041'",
    "B'101'",
    "B'1'\n'0'",
    "X'1f'",
    "N'a'",
    "n'a'",
    "$$a$$",
    "$$a'b\"c$$",
    "$$ -- $$",
    "$$ /* $$",
    "$q$a$$b$q$",
    "$Q$a$q$b$Q$",
    "$q1$a$q1$",
    "$é$a$é$",
    "$_$a$_$",
    "1",
    "1.5",
    ".5",
    "1.",
    "1e5",
    "1e+5",
    "1E-5",
    "1.5.5",
    "99999999999999999999",
    "true",
    "null",
    "date '2020-01-01'",
    "interval '1' day",
    "int '5'",
    "1 a",
    "1 é",
    "1 \"A b\"",
    "1 \"a\"\"b\"",
    "1 U&\"\\0061\"",
    "1 U&\"!0061\" UESCAPE '!'",
    "1 AS a$b",
    "1 as É",
    "1 \u00a0",
    "1 \ufeff",
    "1 \u2028",
    "1 \uff07",
    "1 😀",
    "1 + 1",
    "1+-1",
    "1 +- 1",
    "1 - -1",
    "1--1",
    "1/*x*/+1",
    "1 */**/ 1",
    "1 *-1",
    "1 <-1",
    "@ -1",
    "1 <> 1",
    "1!=1",
    "1 != -1",
    "1 =-1",
    "1 =- 1",
    "1 >=-1",
    "1 /* /* x */ */ + 1",
    "1 //**/ 1",
    "1::text",
    "(1)",
    "array[1,2]",
    "(array[1,2])[1:2]",
    "(array[1,2])[1:1]",
  };

  /** Some servers accept some of them. */
  private static final String[] ODDITIES = {
    "'\\'",
    "'a' /* x */\n 'b'",
    "'a' 'b'",
    "E'\\xc3'",
    "E'\\0'",
    "E'\\x00'",
    "E'\\ud83d'",
    "E'\\ude00'",
    "E'\\u00g0'",
    "U&'\\0041' uescape /* x */ '+'",
    "U&'!0041' UESCAPE 'a'",
    "U&'\\0000'",
    "U &'a'",
    "U& 'a'",
    "b'12'",
    "x'1G'",
    "$1q$a$1q$",
    "$q$a$q",
    "$a-b$x$a-b$",
    "1e",
    "1e+",
    "1..2",
    "1abc",
    "1_000",
    "1__0",
    "1_",
    "_1",
    "1_0.0_1",
    "1_0e1_0",
    "1._5",
    "0x1F",
    "0X_1f",
    "0x",
    "0xg",
    "0b101",
    "0b2",
    "0o17",
    "0o8",
    "0_1",
    "00x1",
    "0x1F.5",
    "1$1",
    "$1",
    "$1a",
    "$1_0",
    "$0x1",
    "1 \"\"",
    "1 aE'x'",
    "1 é'x'",
    "1 @-1",
    "1 @ -1",
    "1 =>1",
    "1 ~-1",
    "1 ?-1",
    "1 /* /* x */",
    "1 /*/ 1 /*/*/ */ */",
    "1: :text",
    "(1",
    "1)",
    "(array[1,2])[ : 1]",
  };

  private static final String[] SPACES = {
    " ",
    " ",
    " ",
    " ",
    "\n",
    "\r",
    "\t",
    "\f",
    "\u000b",
    "/**/",
    "/*'*/",
    "/*;*/",
    "/* $$ */",
    "--\n",
    "-- '\n",
    "--;\r",
    "/* /* */ ; */",
    "--\u000b\n",
    "-- /*\n",
    "/* -- */",
    "",
  };

  private static final String CHARACTERS =
      "'\"\\$/*-+;,.:()[]@!~<>=|?&%^# \n\r\t\f\u000b_aeEuUxXbBnN019é😀\u00a0";

  private LexicalTexts() {}

  /** A text of one statement or more, nearly always with something odd in it. */
  static String next(Random random) {
    StringBuilder text = new StringBuilder();
    for (int statements = 1 + random.nextInt(3); statements > 0; statements--) {
      text.append(space(random));
      if (random.nextInt(12) > 0) {
        text.append("select ").append(space(random));
        for (int values = 1 + random.nextInt(3); values > 0; values--) {
          text.append(literal(random)).append(space(random));
          text.append(values > 1 ? "," : "").append(space(random));
        }
      }
      text.append(statements > 1 || random.nextInt(4) == 0 ? ";" : "");
    }
    for (int changes = random.nextInt(5) - 2; changes > 0; changes--) {
      change(text, random);
    }
    // Half of a pair is no character, and cannot be sent.
    return new String(text.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
  }

  private static String literal(Random random) {
    return random.nextInt(8) == 0
        ? ODDITIES[random.nextInt(ODDITIES.length)]
        : LITERALS[random.nextInt(LITERALS.length)];
  }

  private static String space(Random random) {
    return SPACES[random.nextInt(SPACES.length)];
  }

  private static void change(StringBuilder text, Random random) {
    if (text.length() == 0) {
      return;
    }
    int at = random.nextInt(text.length());
    int start = CHARACTERS.offsetByCodePoints(0, random.nextInt(codePoints()));
    String character = Character.toString(CHARACTERS.codePointAt(start));
    switch (random.nextInt(3)) {
      case 0 -> text.deleteCharAt(at);
      case 1 -> text.insert(at, character);
      default -> text.replace(at, at + 1, character);
    }
  }

  private static int codePoints() {
    return CHARACTERS.codePointCount(0, CHARACTERS.length());
  }
}
