package dev.chaperone.operator.distribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class KeyedWorkTest {
  private static final Duration LONG = Duration.ofHours(1);

  @Test
  void manyTouchesAreOneRunAndOneAfterItsInterval() {
    AtomicInteger runs = new AtomicInteger();
    try (KeyedWork work =
        new KeyedWork("test", 2, Duration.ofMillis(300), key -> runs.incrementAndGet())) {
      long begin = System.nanoTime();
      for (int i = 0; i < 1_000; i++) {
        work.touch("a");
      }
      await().until(() -> runs.get() == 2 || elapsed(begin).toMillis() > 5_000);
      assertThat(runs.get()).isBetween(1, 2 + (int) (elapsed(begin).toMillis() / 300));
      assertThat(elapsed(begin)).isGreaterThanOrEqualTo(Duration.ofMillis(250));
    }
  }

  private static Duration elapsed(long begin) {
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  @Test
  void whatIsUrgentDoesNotWaitForTheIntervalEvenWhereItComesDuringARun() throws Exception {
    AtomicInteger runs = new AtomicInteger();
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch gate = new CountDownLatch(1);
    try (KeyedWork work =
        new KeyedWork(
            "test",
            2,
            LONG,
            key -> {
              runs.incrementAndGet();
              entered.countDown();
              gate.await();
            })) {
      work.touch("a");
      entered.await();
      work.touchNow("a");
      gate.countDown();
      await().until(() -> runs.get() == 2);
      work.touch("a");
      work.touchNow("a");
      await().until(() -> runs.get() == 3);
    }
  }

  @Test
  void oneKeyIsWorkedOnByOneThreadAndTheLastStateIsSeen() {
    Map<String, Integer> state = new ConcurrentHashMap<>();
    Map<String, Integer> seen = new ConcurrentHashMap<>();
    AtomicInteger inside = new AtomicInteger();
    List<String> overlaps = new CopyOnWriteArrayList<>();
    try (KeyedWork work =
        new KeyedWork(
            "test",
            4,
            Duration.ZERO,
            key -> {
              if (inside.incrementAndGet() > 1) {
                overlaps.add(key);
              }
              seen.put(key, state.get(key));
              inside.decrementAndGet();
            })) {
      for (int i = 0; i <= 10_000; i++) {
        state.put("a", i);
        work.touch("a");
      }
      await().until(() -> seen.getOrDefault("a", 0) == 10_000);
      assertThat(overlaps).isEmpty();
      await().until(() -> work.size() == 0);
    }
  }

  @Test
  void whatFailsIsTriedAgainAndKeepsNobodyElseWaiting() {
    AtomicInteger failures = new AtomicInteger();
    List<String> done = new CopyOnWriteArrayList<>();
    try (KeyedWork work =
        new KeyedWork(
            "test",
            1,
            Duration.ZERO,
            key -> {
              if (key.equals("bad") && failures.incrementAndGet() < 3) {
                throw new IOException("not now");
              }
              done.add(key);
            })) {
      work.touch("bad");
      work.touch("good");
      await().untilAsserted(() -> assertThat(done).containsExactly("good", "bad"));
    }
  }

  @Test
  void manyKeysTakeTheirTurnsAndWhatIsUrgentWaitsForNone() {
    Map<String, Long> runs = new ConcurrentHashMap<>();
    long begin = System.nanoTime();
    try (KeyedWork work =
        new KeyedWork(
            "test",
            4,
            Duration.ZERO,
            Duration.ofMillis(200),
            key -> runs.put(key, System.nanoTime() - begin))) {
      for (int i = 0; i < 20; i++) {
        work.touch("key-" + i);
      }
      work.touchNow("urgent");
      work.touchNow("key-19");
      await().until(() -> runs.containsKey("urgent") && runs.containsKey("key-19"));
      assertThat(runs).hasSizeLessThan(20);
      await().until(() -> runs.size() == 21);
      List<Long> turns =
          runs.entrySet().stream()
              .filter(run -> !run.getKey().equals("urgent") && !run.getKey().equals("key-19"))
              .map(Map.Entry::getValue)
              .sorted()
              .toList();
      assertThat(turns.get(18)).isGreaterThanOrEqualTo(Duration.ofMillis(18 * 200).toNanos());
    }
  }

  @Test
  void whatGoesAheadWaitsForItsIntervalAndForOthersThatDoAlone() {
    Map<String, Integer> runs = new ConcurrentHashMap<>();
    try (KeyedWork work =
        new KeyedWork("test", 4, LONG, LONG, key -> runs.merge(key, 1, Integer::sum))) {
      work.touch("first");
      await().until(() -> runs.containsKey("first"));
      work.touch("waits for its turn");
      work.touch("ahead");
      for (int i = 0; i < 1_000; i++) {
        work.touchAhead("ahead");
      }
      await().until(() -> runs.containsKey("ahead"));
      // All sidecars may find out at once that their target is gone.
      work.touchAhead("ahead too");
      work.touchAhead("ahead");
      work.touchNow("last");
      await().until(() -> runs.containsKey("last"));
      assertThat(runs)
          .containsOnly(Map.entry("first", 1), Map.entry("ahead", 1), Map.entry("last", 1));
    }
  }

  @Test
  void nothingRunsAfterTheEnd() {
    AtomicInteger runs = new AtomicInteger();
    KeyedWork work = new KeyedWork("test", 1, LONG, key -> runs.incrementAndGet());
    work.touch("a");
    await().until(() -> runs.get() == 1);
    work.close();
    work.touchNow("a");
    assertThat(work.size()).isLessThanOrEqualTo(1);
    assertThat(runs.get()).isEqualTo(1);
  }
}
