package dev.chaperone.cli.quickstart;

import dev.chaperone.cli.CommandException;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

/** Finds free ports on the loopback, below those the system hands to outgoing connections. */
final class Ports {
  private static final int LOWEST = 20_000;
  private static final int HIGHEST = 32_000;

  private Ports() {}

  /** Returns the wanted port, or the next free one after it. */
  static int nextFree(int wanted) {
    return IntStream.rangeClosed(wanted, Math.min(wanted + 100, 65_535))
        .filter(Ports::isFree)
        .findFirst()
        .orElseThrow(() -> CommandException.usage("no free port from " + wanted + " on"));
  }

  /** Returns some free port. */
  static int anyFree() {
    return ThreadLocalRandom.current()
        .ints(200, LOWEST, HIGHEST)
        .filter(Ports::isFree)
        .findFirst()
        .orElseThrow(() -> CommandException.failed("found no free port on the loopback"));
  }

  private static boolean isFree(int port) {
    return isFree("127.0.0.1", port) && isFree("::1", port);
  }

  private static boolean isFree(String address, int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getByName(address), port));
      return true;
    } catch (BindException e) {
      // A machine without IPv6 has no ::1 to be taken.
      return address.equals("::1") && String.valueOf(e.getMessage()).contains("assign");
    } catch (IOException e) {
      return address.equals("::1");
    }
  }
}
