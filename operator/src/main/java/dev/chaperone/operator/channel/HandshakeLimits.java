package dev.chaperone.operator.channel;

import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;

/**
 * How many connections may be in their handshake at a time, in all and from one address: a pod that
 * opens many must not keep the others out.
 */
final class HandshakeLimits {
  private final int total;
  private final int perAddress;
  private final Map<InetAddress, Integer> pending = new HashMap<>();
  private int count;

  HandshakeLimits(int total, int perAddress) {
    this.total = total;
    this.perAddress = perAddress;
  }

  /** Takes a place; false where there is none. */
  synchronized boolean acquire(InetAddress address) {
    int ofAddress = pending.getOrDefault(address, 0);
    if (count >= total || ofAddress >= perAddress) {
      return false;
    }
    pending.put(address, ofAddress + 1);
    count++;
    return true;
  }

  /** Gives a place back. */
  synchronized void release(InetAddress address) {
    pending.computeIfPresent(address, (key, n) -> n == 1 ? null : n - 1);
    count--;
  }
}
