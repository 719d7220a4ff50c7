package dev.chaperone.operator.access;

import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.LongSupplier;

/**
 * Remembers answers for a while: a Deployment of a hundred pods is one question. What is granted or
 * taken away in between is seen that much later.
 */
public final class RecentAccessReviews implements AccessReviews {
  private static final int MOST = 10_000;

  private record Answer(boolean allowed, long at) {}

  private final AccessReviews reviews;
  private final long recent;
  private final LongSupplier nanos;

  /** In the order of the answers, the oldest first. */
  private final Map<Question, Answer> answers = new LinkedHashMap<>();

  /** Asked and not answered yet: who has the same question waits for the same answer. */
  private final Map<Question, FutureTask<Boolean>> underWay = new HashMap<>();

  /**
   * Remembers what another one says.
   *
   * @param recent for how long an answer is good
   * @param nanos a clock, as {@link System#nanoTime}
   */
  public RecentAccessReviews(AccessReviews reviews, Duration recent, LongSupplier nanos) {
    this.reviews = reviews;
    this.recent = recent.toNanos();
    this.nanos = nanos;
  }

  @Override
  public boolean allowed(Question question) throws IOException {
    // An answer is as old as its question.
    long now = nanos.getAsLong();
    FutureTask<Boolean> mine = new FutureTask<>(() -> reviews.allowed(question));
    FutureTask<Boolean> asked;
    synchronized (answers) {
      Answer known = answers.get(question);
      if (known != null && now - known.at() < recent) {
        return known.allowed();
      }
      asked = underWay.computeIfAbsent(question, one -> mine);
    }
    if (asked == mine) {
      ask(question, mine, now);
    }
    return answer(asked);
  }

  private void ask(Question question, FutureTask<Boolean> task, long now) throws IOException {
    task.run();
    synchronized (answers) {
      underWay.remove(question);
    }
    boolean allowed = answer(task);
    synchronized (answers) {
      answers.remove(question);
      answers.put(question, new Answer(allowed, now));
      Iterator<Answer> oldest = answers.values().iterator();
      while (now - oldest.next().at() >= recent || answers.size() > MOST) {
        oldest.remove();
      }
    }
  }

  /** Who waits for another's question waits as long as that one does. */
  private static boolean answer(FutureTask<Boolean> task) throws IOException {
    try {
      return task.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException failure
          ? failure
          : new IOException("permissions cannot be asked for", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("the operator stops", e);
    }
  }
}
