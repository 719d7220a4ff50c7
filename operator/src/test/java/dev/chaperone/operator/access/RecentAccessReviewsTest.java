package dev.chaperone.operator.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.chaperone.operator.access.AccessReviews.Question;
import dev.chaperone.operator.admission.AdmissionRequest.User;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RecentAccessReviewsTest {
  private static final Duration RECENT = Duration.ofSeconds(5);

  private final AtomicLong now = new AtomicLong(-5);
  private final AtomicBoolean allowed = new AtomicBoolean(true);
  private final List<String> asked = new ArrayList<>();
  private final RecentAccessReviews reviews =
      new RecentAccessReviews(
          question -> {
            asked.add(question.name());
            return allowed.get();
          },
          RECENT,
          now::get);

  private static Question question(String secret) {
    return Question.ofSecret(new User("agent", "", List.of(), Map.of()), "get", "support", secret);
  }

  @Test
  void theSameIsAskedOnceInAFewSeconds() throws Exception {
    assertThat(reviews.allowed(question("a"))).isTrue();
    allowed.set(false);
    now.addAndGet(RECENT.toNanos() - 1);
    assertThat(reviews.allowed(question("a"))).isTrue();
    assertThat(reviews.allowed(question("b"))).isFalse();
    assertThat(asked).containsExactly("a", "b");
  }

  @Test
  void whoAsksTheSameMeanwhileWaitsForTheSameAnswer() throws Exception {
    CountDownLatch answer = new CountDownLatch(1);
    AtomicInteger questions = new AtomicInteger();
    RecentAccessReviews slow =
        new RecentAccessReviews(
            question -> {
              questions.incrementAndGet();
              try {
                answer.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              return true;
            },
            RECENT,
            now::get);
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<Boolean>> askers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        askers.add(threads.submit(() -> slow.allowed(question("a"))));
      }
      await().until(() -> questions.get() == 1);
      answer.countDown();
      for (Future<Boolean> asker : askers) {
        assertThat(asker.get()).isTrue();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(questions).hasValue(1);
  }

  @Test
  void afterThatItIsAskedAnew() throws Exception {
    reviews.allowed(question("a"));
    allowed.set(false);
    now.addAndGet(RECENT.toNanos());
    assertThat(reviews.allowed(question("a"))).isFalse();
  }

  @Test
  void noMoreAnswersAreKeptThanThereIsRoomFor() throws Exception {
    for (int i = 0; i < 10_001; i++) {
      reviews.allowed(question("s" + i));
    }
    asked.clear();
    reviews.allowed(question("s10000"));
    reviews.allowed(question("s0"));
    assertThat(asked).as("the oldest was given up").containsExactly("s0");
  }

  @Test
  void thatThereIsNoAnswerIsNotRemembered() {
    RecentAccessReviews failing =
        new RecentAccessReviews(
            question -> {
              throw new IOException("away " + asked.size());
            },
            RECENT,
            now::get);
    assertThatThrownBy(() -> failing.allowed(question("a"))).hasMessage("away 0");
    asked.add("again");
    assertThatThrownBy(() -> failing.allowed(question("a"))).hasMessage("away 1");
  }
}
