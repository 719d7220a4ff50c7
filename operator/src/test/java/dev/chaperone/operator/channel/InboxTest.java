package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.FromSidecar;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

class InboxTest {
  private final Queue<Runnable> tasks = new ArrayDeque<>();
  private final List<FromSidecar> heard = new ArrayList<>();
  private final List<Boolean> reading = new ArrayList<>();
  private final Inbox inbox = new Inbox(tasks::add, heard::add, reading::add);

  @Test
  void messagesAreHeardInOrderOneAtATime() {
    fill(3);
    assertThat(tasks).hasSize(1);
    runAll();
    assertThat(heard)
        .containsExactly(
            new ConfigurationApplied(0), new ConfigurationApplied(1), new ConfigurationApplied(2));
    assertThat(reading).isEmpty();
  }

  @Test
  void readingPausesWhileMuchWaitsAndGoesOnWhenItWasHeard() {
    fill(Inbox.HIGH);
    assertThat(inbox.isPaused()).isFalse();
    fill(1);
    assertThat(inbox.isPaused()).isTrue();
    assertThat(reading).containsExactly(false);
    runAll();
    assertThat(reading).containsExactly(false, true);
    assertThat(inbox.isPaused()).isFalse();
    assertThat(heard).hasSize(Inbox.HIGH + 1);
  }

  @Test
  void whatFailsDoesNotKeepTheNextFromBeingHeard() {
    inbox.run(
        () -> {
          throw new IllegalStateException("expected by this test");
        });
    fill(1);
    runAll();
    assertThat(heard).hasSize(1);
  }

  @Test
  void oneThatTalksMuchTakesTurns() {
    fill(3 * Inbox.HIGH);
    tasks.remove().run();
    assertThat(heard).hasSize(Inbox.HIGH);
    assertThat(tasks).hasSize(1);
    runAll();
    assertThat(heard).hasSize(3 * Inbox.HIGH);
  }

  private void fill(int count) {
    for (int i = 0; i < count; i++) {
      inbox.add(new ConfigurationApplied(i));
    }
  }

  private void runAll() {
    while (!tasks.isEmpty()) {
      tasks.remove().run();
    }
  }
}
