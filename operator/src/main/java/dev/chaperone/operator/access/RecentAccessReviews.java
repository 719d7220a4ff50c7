package dev.chaperone.operator.access;

import java.io.IOException;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
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
    synchronized (answers) {
      Answer known = answers.get(question);
      if (known != null && now - known.at() < recent) {
        return known.allowed();
      }
    }
    boolean allowed = reviews.allowed(question);
    synchronized (answers) {
      answers.remove(question);
      answers.put(question, new Answer(allowed, now));
      Iterator<Answer> oldest = answers.values().iterator();
      while (now - oldest.next().at() >= recent || answers.size() > MOST) {
        oldest.remove();
      }
    }
    return allowed;
  }
}
