package dev.chaperone.policy.sql;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/** How much of a processor threads took, in nanoseconds; where the runtime cannot say, the time. */
final class ThreadTimes {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final boolean KNOWN =
      THREADS.isThreadCpuTimeSupported() && THREADS.isThreadCpuTimeEnabled();

  private ThreadTimes() {}

  static long ofThisThread() {
    return KNOWN ? THREADS.getCurrentThreadCpuTime() : System.nanoTime();
  }

  /** Of a thread by its id; of one that has ended, more than it can have taken. */
  static long of(long thread) {
    if (!KNOWN) {
      return System.nanoTime();
    }
    long time = THREADS.getThreadCpuTime(thread);
    return time < 0 ? Long.MAX_VALUE : time;
  }
}
