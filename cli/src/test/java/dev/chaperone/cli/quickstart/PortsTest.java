package dev.chaperone.cli.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;

class PortsTest {
  @Test
  void goesOnToTheNextWhenTaken() throws IOException {
    int free = Ports.anyFree();
    try (ServerSocket taken = new ServerSocket(free, 1, InetAddress.getLoopbackAddress())) {
      assertThat(Ports.nextFree(taken.getLocalPort())).isBetween(free + 1, free + 100);
    }
    assertThat(Ports.nextFree(free)).isEqualTo(free);
  }

  @Test
  void staysBelowThePortsOfOutgoingConnections() {
    assertThat(Ports.anyFree()).isBetween(20_000, 32_000);
  }
}
