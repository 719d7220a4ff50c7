package dev.chaperone.operator.channel;

import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Whose handshake begins next. After a restart all sidecars come at once; were all handshakes begun
 * at once, none would be over in time, and each would be begun anew. So few are under way, the rest
 * wait in the order in which they came, and who has waited for as long as a handshake may take is
 * not there any more. Safe for use by any thread; nothing here waits.
 */
final class HandshakeTurns {
  /**
   * A connection that waits.
   *
   * @param begin begins its handshake
   * @param giveUp lets go of it
   */
  private record Waiting(InetAddress address, long since, Runnable begin, Runnable giveUp) {}

  private final int total;
  private final int perAddress;
  private final long patienceNanos;
  private final LongSupplier nanoClock;
  private final List<Waiting> waiting = new ArrayList<>();
  private final Map<InetAddress, Integer> begun = new HashMap<>();
  private int count;

  /**
   * @param total how many handshakes are under way at a time
   * @param perAddress how many of those from one address
   * @param patience how long a connection waits; how many do is for others to bound
   */
  HandshakeTurns(int total, int perAddress, Duration patience, LongSupplier nanoClock) {
    this.total = total;
    this.perAddress = perAddress;
    this.patienceNanos = patience.toNanos();
    this.nanoClock = nanoClock;
  }

  /** Begins it now, or when it is its turn. */
  void take(InetAddress address, Runnable begin, Runnable giveUp) {
    List<Runnable> next;
    synchronized (this) {
      waiting.add(new Waiting(address, nanoClock.getAsLong(), begin, giveUp));
      next = next();
    }
    next.forEach(Runnable::run);
  }

  /** One that has begun is over. */
  void giveBack(InetAddress address) {
    List<Runnable> next;
    synchronized (this) {
      begun.computeIfPresent(address, (key, n) -> n == 1 ? null : n - 1);
      count--;
      next = next();
    }
    next.forEach(Runnable::run);
  }

  private List<Runnable> next() {
    List<Runnable> next = new ArrayList<>();
    long now = nanoClock.getAsLong();
    Iterator<Waiting> rest = waiting.iterator();
    while (count < total && rest.hasNext()) {
      Waiting one = rest.next();
      int ofAddress = begun.getOrDefault(one.address(), 0);
      if (now - one.since() >= patienceNanos) {
        rest.remove();
        next.add(one.giveUp());
      } else if (ofAddress < perAddress) {
        rest.remove();
        begun.put(one.address(), ofAddress + 1);
        count++;
        next.add(one.begin());
      }
    }
    return next;
  }
}
