package dev.chaperone.control.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.Decisions;
import dev.chaperone.control.channel.ChannelMessage.Revoke;
import java.util.List;
import org.junit.jupiter.api.Test;

class OutboundQueueTest {
  private final OutboundQueue queue = new OutboundQueue(3);

  @Test
  void ofConfigurationsOnlyTheNewestWaits() {
    for (int revision = 1; revision <= 1_000; revision++) {
      assertThat(queue.offer(new Configure(revision, List.of()))).isTrue();
    }
    assertThat(queue.size()).isEqualTo(1);
    assertThat(queue.poll()).isEqualTo(new Configure(1_000, List.of()));
    assertThat(queue.poll()).isNull();
  }

  @Test
  void decisionsReplaceThoseOfTheSameRequestAlone() {
    queue.offer(new Decisions("a", List.of()));
    queue.offer(new Decisions("b", List.of()));
    queue.offer(new Decisions("a", List.of()));
    assertThat(queue.size()).isEqualTo(2);
  }

  @Test
  void whatDoesNotReplaceItselfIsKeptInOrder() {
    queue.offer(new Revoke("a"));
    queue.offer(new Revoke("a"));
    queue.offer(new Revoke("b"));
    assertThat(List.of(queue.poll(), queue.poll(), queue.poll()))
        .containsExactly(new Revoke("a"), new Revoke("a"), new Revoke("b"));
  }

  @Test
  void aFullQueueTakesOnlyWhatReplaces() {
    queue.offer(new Configure(1, List.of()));
    queue.offer(new Revoke("a"));
    queue.offer(new Revoke("b"));
    assertThat(queue.offer(new Revoke("c"))).isFalse();
    assertThat(queue.offer(new Configure(2, List.of()))).isTrue();
    assertThat(queue.size()).isEqualTo(3);
    queue.clear();
    assertThat(queue.offer(new Revoke("c"))).isTrue();
  }
}
