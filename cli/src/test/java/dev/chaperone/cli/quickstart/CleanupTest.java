package dev.chaperone.cli.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CleanupTest {
  private final Cleanup cleanup = new Cleanup();
  private final List<String> done = new ArrayList<>();

  @Test
  void undoesTheLastThingFirst() {
    cleanup.add(() -> done.add("first"));
    cleanup.add(() -> done.add("second"));
    cleanup.end();
    assertThat(done).containsExactly("second", "first");
  }

  @Test
  void oneFailureKeepsNothingElseFromBeingUndone() {
    cleanup.add(() -> done.add("first"));
    cleanup.add(
        () -> {
          throw new IllegalStateException("no");
        });
    cleanup.end();
    assertThat(done).containsExactly("first");
  }

  @Test
  void whatComesAfterTheEndIsUndoneAtOnce() {
    cleanup.end();
    assertThatThrownBy(() -> cleanup.add(() -> done.add("late")))
        .isInstanceOf(IllegalStateException.class);
    assertThat(done).containsExactly("late");
  }
}
