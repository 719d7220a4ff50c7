package dev.chaperone.sidecar.control;

import java.time.Duration;

/**
 * The patience with the operator.
 *
 * @param handshake how long it may take from the first byte to the Welcome
 * @param heartbeat how often a heartbeat is sent
 * @param silence how long the operator may say nothing
 * @param shortestPause before the first new try
 * @param longestPause before any
 */
public record OperatorTimes(
    Duration handshake,
    Duration heartbeat,
    Duration silence,
    Duration shortestPause,
    Duration longestPause) {
  /** What a sidecar uses. */
  public static final OperatorTimes STANDARD =
      new OperatorTimes(
          Duration.ofSeconds(30),
          Duration.ofSeconds(5),
          Duration.ofSeconds(30),
          Duration.ofMillis(200),
          Duration.ofSeconds(5));
}
