package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class HandshakeTurnsTest {
  private final AtomicLong clock = new AtomicLong();
  private final HandshakeTurns turns = new HandshakeTurns(2, 1, Duration.ofSeconds(10), clock::get);
  private final List<String> happened = new ArrayList<>();

  private void take(int address, String name) throws Exception {
    turns.take(
        address(address), () -> happened.add(name + " begins"), () -> happened.add(name + " goes"));
  }

  private static InetAddress address(int last) throws Exception {
    return InetAddress.getByAddress(new byte[] {10, 0, 0, (byte) last});
  }

  @Test
  void fewAreUnderWayAndTheRestFollowInTheirOrder() throws Exception {
    for (int i = 1; i <= 4; i++) {
      take(i, "" + i);
    }
    assertThat(happened).containsExactly("1 begins", "2 begins");
    turns.giveBack(address(2));
    turns.giveBack(address(1));
    assertThat(happened).containsExactly("1 begins", "2 begins", "3 begins", "4 begins");
  }

  @Test
  void oneAddressHasNotEveryTurn() throws Exception {
    take(1, "a");
    take(1, "b");
    take(1, "c");
    take(2, "other");
    assertThat(happened).containsExactly("a begins", "other begins");
    turns.giveBack(address(1));
    assertThat(happened).containsExactly("a begins", "other begins", "b begins");
  }

  @Test
  void whoHasWaitedTooLongHasNoTurn() throws Exception {
    take(1, "a");
    take(2, "b");
    take(3, "late");
    clock.addAndGet(Duration.ofSeconds(9).toNanos());
    take(4, "in time");
    clock.addAndGet(Duration.ofSeconds(1).toNanos());
    turns.giveBack(address(1));
    assertThat(happened).containsExactly("a begins", "b begins", "late goes", "in time begins");
  }
}
