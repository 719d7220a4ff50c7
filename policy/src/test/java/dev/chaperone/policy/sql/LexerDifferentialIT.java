package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.PostgresServer;
import dev.chaperone.policy.testing.PostgresWire;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The scanner against the server's lexer, which shows itself in the number of results of a text, in
 * the values of literals, in the places of syntax errors, and in the texts of pg_stat_statements.
 * {@code -Dlexer.seed} and {@code -Dlexer.texts} choose others.
 */
@Tag("long")
class LexerDifferentialIT {
  private static final long SEED = Long.getLong("lexer.seed", 20_261_122);
  private static final int TEXTS = Integer.getInteger("lexer.texts", 20_000);
  private static final SqlLimits LIMITS = SqlLimits.DEFAULT;

  private static PostgresServer server;

  @BeforeAll
  static void start() throws IOException {
    server =
        PostgresServer.startOrAbort(
            "the lexer's differential test",
            Map.of("shared_preload_libraries", "pg_stat_statements"));
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  @Test
  void statementsAndLiteralsAreThoseTheServerSees() throws Exception {
    try (PostgresWire wire = new PostgresWire(server.port(), "postgres")) {
      Result result = texts(wire, SEED, TEXTS);
      System.out.println("== lexer: " + result.summary());
      assertThat(result.misses).as("seed " + SEED).isEmpty();
      assertThat(result.accepted).isGreaterThan(TEXTS / 20);
      assertThat(result.positions).isGreaterThan(TEXTS / 20);
    }
  }

  @Test
  void constantsAreWhereTheServerSeesThem() throws Exception {
    try (PostgresWire wire = new PostgresWire(server.port(), "postgres")) {
      if (!wire.query("CREATE EXTENSION pg_stat_statements").isSuccess()) {
        Assumptions.abort("NOT RUN: this server comes without pg_stat_statements");
      }
      Result result = normalised(wire, SEED, TEXTS / 20);
      System.out.println("== constants by pg_stat_statements: " + result.summary());
      assertThat(result.misses).as("seed " + SEED).isEmpty();
      assertThat(result.accepted).isPositive();
    }
  }

  @Test
  void bytesThatAreNoTextAreRejectedByBoth() throws Exception {
    try (PostgresWire wire = new PostgresWire(server.port(), "postgres")) {
      assertThat(bytes(wire, SEED, TEXTS / 10)).as("seed " + SEED).isEmpty();
    }
  }

  /** What came of a run. */
  static final class Result {
    final List<String> misses = new ArrayList<>();
    final long seed;
    int tried;
    int accepted;
    int unreadable;
    int positions;

    Result(long seed) {
      this.seed = seed;
    }

    String summary() {
      return "seed %d, %d tried, %d accepted by the server, %d unreadable to us, %d error positions compared, %d misses"
          .formatted(seed, tried, accepted, unreadable, positions, misses.size());
    }
  }

  static Result texts(PostgresWire wire, long seed, int count) throws IOException {
    Random random = new Random(seed);
    Result result = new Result(seed);
    for (int i = 0; i < count && result.misses.size() < 20; i++) {
      String text = LexicalTexts.next(random);
      result.tried++;
      PostgresWire.Answer answer = wire.query(text);
      if (answer.isSuccess()) {
        result.accepted++;
      }
      compare(wire, text, answer, result);
    }
    return result;
  }

  private static void compare(
      PostgresWire wire, String text, PostgresWire.Answer answer, Result result)
      throws IOException {
    List<Token> tokens;
    List<String> canonical = new ArrayList<>();
    try {
      tokens = SqlScanner.scan(text, LIMITS, wire.serverVersion());
      for (List<Token> statement : StatementSplitter.split(tokens, LIMITS)) {
        canonical.add(CanonicalText.of(statement));
      }
    } catch (UnreadableException e) {
      result.unreadable++;
      // Servers before 15 take 1abc for 1 abc; refusing that is refusing too much, never too
      // little.
      boolean stricter = wire.serverVersion() < 150_000 && e.getMessage().contains("junk");
      if (!stricter && (answer.isSuccess() || !answer.results().isEmpty())) {
        result.misses.add("unreadable to us (" + e.getMessage() + "): " + show(text));
      }
      return;
    }
    if (answer.sqlState().equals("42601") && answer.position() > 0) {
      position(text, tokens, answer, result);
    }
    PostgresWire.Answer again = wire.query(String.join("; ", canonical));
    if (!again.sqlState().equals(answer.sqlState()) || !values(again).equals(values(answer))) {
      result.misses.add(
          "%s %s: %s -- canonical %s: %s %s"
              .formatted(
                  answer.sqlState(),
                  values(answer),
                  show(text),
                  show(canonical.toString()),
                  again.sqlState(),
                  values(again)));
    } else if (answer.isSuccess() && values(answer).size() != canonical.size()) {
      result.misses.add(
          values(answer).size() + " results, not " + canonical.size() + ": " + show(text));
    }
  }

  private static List<List<List<String>>> values(PostgresWire.Answer answer) {
    return answer.results().stream()
        .filter(result -> !result.tag().isEmpty())
        .map(PostgresWire.Result::rows)
        .toList();
  }

  /** A syntax error is at a token, or at the end. */
  private static void position(
      String text, List<Token> tokens, PostgresWire.Answer answer, Result result) {
    Set<Integer> starts = new HashSet<>();
    for (Token token : tokens) {
      starts.add(text.codePointCount(0, token.start()) + 1);
    }
    result.positions++;
    boolean atEnd = answer.error().endsWith("at end of input");
    // What is wrong inside a U& literal is told with the place inside it.
    boolean inside = answer.error().contains("Unicode") || answer.error().contains("UESCAPE");
    if (!atEnd && !inside && !starts.contains(answer.position())) {
      result.misses.add(
          "no token at %d (%s): %s".formatted(answer.position(), answer.error(), show(text)));
    }
  }

  /** pg_stat_statements replaces each constant where it stands; the rest it leaves as it is. */
  static Result normalised(PostgresWire wire, long seed, int count) throws IOException {
    Random random = new Random(seed);
    Result result = new Result(seed);
    for (int i = 0; i < count; i++) {
      String text = LexicalTexts.next(random);
      if (text.matches("(?is).*(n'|uescape).*")) {
        // It counts the N and the UESCAPE out of the constant.
        continue;
      }
      List<Token> tokens;
      try {
        tokens = SqlScanner.scan(text, LIMITS, wire.serverVersion());
        if (StatementSplitter.split(tokens, LIMITS).size() != 1) {
          continue;
        }
      } catch (UnreadableException e) {
        continue;
      }
      wire.query("SELECT pg_stat_statements_reset()");
      result.tried++;
      if (!wire.query(text).isSuccess()) {
        continue;
      }
      PostgresWire.Answer seen =
          wire.query("SELECT query FROM pg_stat_statements WHERE query !~ 'pg_stat_statements'");
      if (seen.results().get(0).rows().size() != 1) {
        continue;
      }
      String normalised = seen.value();
      if (normalised.matches("(?s).*\\$[0-9]+[\\p{L}_$].*")) {
        // $$a$$b becomes $1b, which is a number and a name no more.
        continue;
      }
      result.accepted++;
      try {
        String theirs = shape(SqlScanner.scan(normalised, LIMITS, wire.serverVersion()));
        String ours = shape(tokens);
        if (!theirs.equals(ours)) {
          result.misses.add("%s -- %s, not %s".formatted(show(text), theirs, ours));
        }
      } catch (UnreadableException e) {
        result.misses.add(show(text) + " -- unreadable: " + show(normalised));
      }
    }
    return result;
  }

  /** The tokens, with one sign for whatever is constant. */
  private static String shape(List<Token> tokens) {
    StringBuilder shape = new StringBuilder();
    for (Token token : tokens) {
      boolean constant =
          token.isLiteral()
              || token.kind() == Token.Kind.PARAMETER
              || token.isWord("true")
              || token.isWord("null");
      if (token.isPunctuation(";")) {
        continue;
      }
      // A sign belongs to its constant; date, int and interval are in the literal's place.
      if (token.isOperator("-")
          || token.isWord("day")
          || token.isWord("date")
          || token.isWord("int")
          || token.isWord("interval")) {
        continue;
      }
      shape.append(constant ? "?" : token.text()).append(' ');
    }
    return shape.toString();
  }

  /** Bytes that only one of the two takes for text. */
  private static List<String> bytes(PostgresWire wire, long seed, int count) throws IOException {
    Random random = new Random(seed);
    List<String> misses = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] text =
          ("select '" + LexicalTexts.next(random) + "é😀'").getBytes(StandardCharsets.UTF_8);
      for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
        text[random.nextInt(text.length)] = (byte) (0x80 + random.nextInt(0x80));
      }
      boolean rejected = wire.query(text).sqlState().equals("22021");
      if (rejected == isText(text)) {
        misses.add(HexFormat.of().formatHex(text));
      }
    }
    return misses;
  }

  private static boolean isText(byte[] bytes) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  /** The text with what is not to be seen escaped. */
  private static String show(String text) {
    StringBuilder shown = new StringBuilder();
    text.chars()
        .forEach(
            c ->
                shown.append(
                    c >= ' ' && c < 0x7f ? Character.toString(c) : "\\u%04x".formatted(c)));
    return shown.toString();
  }
}
