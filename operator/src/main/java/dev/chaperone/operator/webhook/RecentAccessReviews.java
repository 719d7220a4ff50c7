package dev.chaperone.operator.webhook;

import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Remembers answers for a few seconds: a Deployment of a hundred pods is one question. What is
 * granted or taken away in between is seen that much later.
 */
public final class RecentAccessReviews implements AccessReviews {
  /** For how long an answer is good. */
  static final Duration RECENT = Duration.ofSeconds(5);

  private static final int MOST = 1_000;

  private record Answer(boolean allowed, long at) {}

  private final AccessReviews reviews;
  private final LongSupplier nanos;

  /** In the order of the answers. */
  private final Map<Question, Answer> answers = new LinkedHashMap<>();

  /**
   * Remembers what another one says.
   *
   * @param nanos a clock, as {@link System#nanoTime}
   */
  public RecentAccessReviews(AccessReviews reviews, LongSupplier nanos) {
    this.reviews = reviews;
    this.nanos = nanos;
  }

  @Override
  public boolean allowed(Question question) throws IOException {
    // An answer is as old as its question.
    long now = nanos.getAsLong();
    synchronized (answers) {
      answers.values().removeIf(answer -> now - answer.at() >= RECENT.toNanos());
      Answer known = answers.get(question);
      if (known != null) {
        return known.allowed();
      }
    }
    boolean allowed = reviews.allowed(question);
    synchronized (answers) {
      answers.put(question, new Answer(allowed, now));
      if (answers.size() > MOST) {
        answers.remove(answers.keySet().iterator().next());
      }
    }
    return allowed;
  }
}
