package dev.chaperone.operator.testing;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** What a node of the tests' own needs of the machine. */
final class NodeNeeds {
  private static final List<String> BINARIES =
      List.of(
          "kubelet", "kube-scheduler", "kube-proxy", "containerd", "ctr", "coredns", "runc", "nft");

  private static final List<String> TOOLS = List.of("ip", "nsenter", "unshare", "setsid");

  /** linux/capability.h: to make network devices, and to mount and make namespaces. */
  private static final int NET_ADMIN = 12;

  private static final int SYS_ADMIN = 21;

  /** The end of the link that the scripts make; there is one node on a machine at a time. */
  private static final Path LINK = Path.of("/sys/class/net/chaperone-node");

  /** Where Debian has its PostgreSQL. */
  private static final Path POSTGRESQL = Path.of("/usr/lib/postgresql");

  private NodeNeeds() {}

  /** The first thing that is missing, with the way out; empty where nothing is. */
  static Optional<String> missing(Path home, Predicate<String> hasTool) {
    if (!isPrivileged()) {
      return Optional.of("a node needs root with CAP_SYS_ADMIN and CAP_NET_ADMIN");
    }
    for (String tool : TOOLS) {
      if (!hasTool.test(tool)) {
        return Optional.of(tool + " is not on the PATH");
      }
    }
    for (String binary : BINARIES) {
      if (!Files.isExecutable(home.resolve("bin").resolve(binary))) {
        return Optional.of(
            binary
                + " is not built: run operator/src/test/kubernetes/build.sh node (once, 2 minutes"
                + " after the control plane)");
      }
    }
    return Files.exists(LINK)
        ? Optional.of("a cluster with a node runs already on this machine")
        : Optional.empty();
  }

  /**
   * Why no image with PostgreSQL can be made of this machine's, as {@code example-image.sh} does.
   */
  static Optional<String> missingPostgresql() {
    try (DirectoryStream<Path> versions = Files.newDirectoryStream(POSTGRESQL)) {
      for (Path version : versions) {
        if (Files.isExecutable(version.resolve("bin/postgres"))) {
          return Optional.empty();
        }
      }
    } catch (IOException e) {
      // There is no such directory.
    }
    return Optional.of("no PostgreSQL server is in " + POSTGRESQL + ": apt-get install postgresql");
  }

  private static boolean isPrivileged() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("CapEff:")) {
          BigInteger capabilities = new BigInteger(line.substring("CapEff:".length()).strip(), 16);
          return capabilities.testBit(NET_ADMIN) && capabilities.testBit(SYS_ADMIN);
        }
      }
    } catch (IOException e) {
      // No Linux.
      return false;
    }
    return false;
  }
}
