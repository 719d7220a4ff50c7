package dev.chaperone.control.channel;

import java.util.OptionalInt;

/**
 * The versions of the conversation that a program speaks, both ends included. A sidecar and an
 * operator of neighbouring releases have at least one in common.
 *
 * <p>Within a version, a field that is added is an Optional or a List, which older writers leave
 * out and older readers pass over, and a type of message that is added is answered with {@link
 * ChannelMessage.NotUnderstood}. Whatever does not fit into that takes a new version.
 */
public record ProtocolVersions(int oldest, int newest) {
  /** What this release speaks. */
  public static final ProtocolVersions SPOKEN = new ProtocolVersions(1, 1);

  public ProtocolVersions {
    if (oldest < 1 || newest < oldest) {
      throw new IllegalArgumentException("versions " + oldest + " to " + newest);
    }
  }

  /** The newest version that both speak; empty where there is none. */
  public OptionalInt newestCommonWith(ProtocolVersions other) {
    int common = Math.min(newest, other.newest);
    return common >= oldest && common >= other.oldest
        ? OptionalInt.of(common)
        : OptionalInt.empty();
  }

  @Override
  public String toString() {
    return oldest == newest ? Integer.toString(oldest) : oldest + " to " + newest;
  }
}
