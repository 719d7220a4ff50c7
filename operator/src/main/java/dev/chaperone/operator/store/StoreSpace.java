package dev.chaperone.operator.store;

import java.util.HashMap;
import java.util.Map;

/** How much the store holds, of whom, and how much more it takes. Safe for use by any thread. */
final class StoreSpace {
  private final long mostBytes;
  private final long mostOfPod;
  private final Map<String, Long> byPod = new HashMap<>();
  private long bytes;

  StoreSpace(StoreSettings settings) {
    this.mostBytes = settings.mostBytes();
    this.mostOfPod = settings.mostOfPod();
  }

  /** So much is there already. */
  synchronized void found(String podUid, long more) {
    bytes += more;
    byPod.merge(podUid, more, Long::sum);
  }

  /**
   * Takes room for more.
   *
   * @throws StoreFullException when there is none; then nothing was taken
   */
  synchronized void take(String podUid, long more) throws StoreFullException {
    if (bytes + more > mostBytes) {
      throw new StoreFullException("the store is full: it holds " + mostBytes + " bytes at most");
    }
    if (byPod.getOrDefault(podUid, 0L) + more > mostOfPod) {
      throw new StoreFullException(
          "the pod has filled its part of the store: " + mostOfPod + " bytes at most");
    }
    found(podUid, more);
  }

  synchronized void giveBack(String podUid, long less) {
    bytes -= less;
    byPod.computeIfPresent(podUid, (uid, had) -> had > less ? had - less : null);
  }

  /** From 0 to 1: of the whole, or of the pod's part where that is more. */
  synchronized double fullness(String podUid) {
    return Math.max(
        (double) bytes / mostBytes, (double) byPod.getOrDefault(podUid, 0L) / mostOfPod);
  }

  synchronized long bytes() {
    return bytes;
  }
}
