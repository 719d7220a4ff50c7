package dev.chaperone.policy.sql;

import java.time.Duration;
import java.util.Objects;

/**
 * What the analysis is willing to read. Past a limit a text is {@link SqlAnalysis.Unreadable} with
 * SQLSTATE 54000, except that a text past {@code parserTimeout} is only denied the second opinion
 * of the grammar.
 *
 * @param textBytes the size of one text in UTF-8
 * @param tokens tokens of one text
 * @param depth nesting of parentheses and brackets
 * @param statements statements of one text
 * @param parserTimeout how much of a processor the grammar may take over one statement; where it
 *     gets none, twenty times as long may pass
 */
public record SqlLimits(
    int textBytes, int tokens, int depth, int statements, Duration parserTimeout) {

  /** 1 MiB, 100,000 tokens, 200 levels, 1,000 statements, 500 ms. */
  public static final SqlLimits DEFAULT =
      new SqlLimits(1 << 20, 100_000, 200, 1_000, Duration.ofMillis(500));

  public SqlLimits {
    if (textBytes <= 0 || tokens <= 0 || depth <= 0 || statements <= 0) {
      throw new IllegalArgumentException("limits are positive");
    }
    Objects.requireNonNull(parserTimeout, "parserTimeout");
  }

  /** The same limits for texts of another size. */
  public SqlLimits withTextBytes(int bytes) {
    return new SqlLimits(bytes, tokens, depth, statements, parserTimeout);
  }
}
