package dev.chaperone.operator.channel;

import java.time.Duration;

/**
 * The patience of the server.
 *
 * @param handshake how long a connection may take from TCP to Welcome
 * @param heartbeat how often a heartbeat is sent
 * @param silence how long the other side may say nothing
 * @param pendingHandshakes how many connections may be in their handshake, or wait for it
 * @param pendingPerAddress how many of those from one address
 * @param begunHandshakes how many of them may be in it: all at once would be late together
 * @param begunPerAddress how many of those from one address; a pod has one sidecar
 */
public record ChannelSettings(
    Duration handshake,
    Duration heartbeat,
    Duration silence,
    int pendingHandshakes,
    int pendingPerAddress,
    int begunHandshakes,
    int begunPerAddress) {
  /** What the operator uses. */
  public static final ChannelSettings STANDARD =
      new ChannelSettings(
          Duration.ofSeconds(30), Duration.ofSeconds(5), Duration.ofSeconds(30), 256, 16, 32, 2);
}
