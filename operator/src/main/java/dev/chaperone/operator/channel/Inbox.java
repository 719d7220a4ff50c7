package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.ChannelMessage.FromSidecar;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;

/**
 * What a sidecar said and nobody has heard yet, in order. When much waits, reading from the sidecar
 * is paused until it has been heard: a flood fills the sender's buffers and not the operator's.
 */
final class Inbox {
  private static final System.Logger LOGGER = System.getLogger(Inbox.class.getName());

  /** More than this waits: no more is read. */
  static final int HIGH = 64;

  private static final int LOW = 16;

  private final Executor threads;
  private final Consumer<FromSidecar> hearer;
  private final Consumer<Boolean> reading;
  private final Queue<Runnable> waiting = new ArrayDeque<>();
  private boolean running;
  private boolean paused;

  /**
   * @param threads where messages are heard; one at a time
   * @param reading told false when no more is to be read, and true when it is again
   */
  Inbox(Executor threads, Consumer<FromSidecar> hearer, Consumer<Boolean> reading) {
    this.threads = threads;
    this.hearer = hearer;
    this.reading = reading;
  }

  /** Adds a message. */
  void add(FromSidecar message) {
    run(() -> hearer.accept(message));
  }

  /** Adds what is to be done after all that came before. */
  synchronized void run(Runnable task) {
    waiting.add(task);
    if (!paused && waiting.size() > HIGH) {
      paused = true;
      reading.accept(false);
    }
    if (!running) {
      running = true;
      begin();
    }
  }

  synchronized boolean isPaused() {
    return paused;
  }

  private void begin() {
    try {
      threads.execute(this::drain);
    } catch (RejectedExecutionException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "the server is closed");
    }
  }

  private void drain() {
    for (int i = 0; i < HIGH; i++) {
      Runnable next = next();
      if (next == null) {
        return;
      }
      try {
        next.run();
      } catch (RuntimeException e) {
        LOGGER.log(System.Logger.Level.ERROR, "a sidecar's message was not handled", e);
      }
    }
    // One sidecar that talks much does not keep a thread from the others.
    begin();
  }

  private synchronized Runnable next() {
    Runnable next = waiting.poll();
    if (paused && waiting.size() <= LOW) {
      paused = false;
      reading.accept(true);
    }
    if (next == null) {
      running = false;
    }
    return next;
  }
}
