package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import org.junit.jupiter.api.Test;

class HandshakeLimitsTest {
  private final HandshakeLimits limits = new HandshakeLimits(3, 2);

  @Test
  void oneAddressDoesNotKeepTheOthersOut() throws Exception {
    assertThat(limits.acquire(address(1))).isTrue();
    assertThat(limits.acquire(address(1))).isTrue();
    assertThat(limits.acquire(address(1))).isFalse();
    assertThat(limits.acquire(address(2))).isTrue();
  }

  @Test
  void allTogetherAreBounded() throws Exception {
    for (int i = 1; i <= 3; i++) {
      assertThat(limits.acquire(address(i))).isTrue();
    }
    assertThat(limits.acquire(address(4))).isFalse();
    limits.release(address(1));
    assertThat(limits.acquire(address(4))).isTrue();
  }

  private static InetAddress address(int last) throws Exception {
    return InetAddress.getByAddress(new byte[] {10, 0, 0, (byte) last});
  }
}
