package dev.chaperone.cli.quickstart;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What has to be undone at the end, last thing first. Ctrl-C may come at any moment, also while
 * things are still being set up: whatever is added after the end is undone at once.
 */
final class Cleanup {
  private final Deque<Runnable> steps = new ArrayDeque<>();
  private boolean ended;

  /** Remembers how to undo something that exists now. */
  void add(Runnable step) {
    synchronized (this) {
      if (!ended) {
        steps.push(step);
        return;
      }
    }
    step.run();
    throw new IllegalStateException("already shutting down");
  }

  synchronized boolean hasEnded() {
    return ended;
  }

  /** Undoes everything. A step that fails does not keep the others from running. */
  void end() {
    synchronized (this) {
      ended = true;
    }
    for (Runnable step = next(); step != null; step = next()) {
      try {
        step.run();
      } catch (RuntimeException e) {
        System.err.println("chaperone: while cleaning up: " + e.getMessage());
      }
    }
  }

  private synchronized Runnable next() {
    return steps.poll();
  }
}
