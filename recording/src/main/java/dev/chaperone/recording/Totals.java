package dev.chaperone.recording;

/**
 * What a whole session comes to; signed with its seal.
 *
 * @param operations asked for
 * @param denied of these, not forwarded
 * @param rows sent to the agent
 * @param maskedValues among them
 * @param gaps how often nothing could be recorded for a while
 */
public record Totals(long operations, long denied, long rows, long maskedValues, long gaps) {
  static final Totals ZERO = new Totals(0, 0, 0, 0, 0);
}
