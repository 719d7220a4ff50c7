package dev.chaperone.sidecar.control;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before the next try: twice as long after each failure up to a bound, and never
 * exactly, so that a thousand sidecars do not come back at the same moment. For one thread.
 */
final class Backoff {
  private final long shortest;
  private final long longest;
  private final RandomGenerator random;
  private long next;

  Backoff(Duration shortest, Duration longest, RandomGenerator random) {
    this.shortest = shortest.toMillis();
    this.longest = longest.toMillis();
    this.random = random;
    this.next = this.shortest;
  }

  /** The next pause, in milliseconds: between half of what is due and all of it. */
  long nextMillis() {
    long due = next;
    next = Math.min(longest, next * 2);
    return due / 2 + random.nextLong(due - due / 2 + 1);
  }

  /** It went well for a while. */
  void reset() {
    next = shortest;
  }
}
