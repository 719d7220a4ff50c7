package dev.chaperone.benchmarks.wire;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Many live client connections, every fourth with a query under way, when their session is revoked:
 * how long each takes to be closed, from the moment the AgentSession's file says so.
 */
final class Revoked {
  private static final int CLIENTS = 200;
  private static final double P99_MILLIS = 1_000;

  /** Long, and no load: what is measured is the gateway, not who gets a processor. */
  private static final String LONG_QUERY = "SELECT pg_sleep(60)";

  private final int port;
  private final Path status;

  Revoked(Leg leg, Path status) {
    this.port = leg.port();
    this.status = status;
  }

  List<Floor> run() throws IOException, InterruptedException {
    List<RawClient> clients = new ArrayList<>();
    ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
    try {
      for (int i = 0; i < CLIENTS; i++) {
        clients.add(new RawClient(port));
        if (i % 4 == 0) {
          clients.get(i).query(LONG_QUERY);
        }
      }
      List<CompletableFuture<Long>> ends = new ArrayList<>();
      for (RawClient client : clients) {
        ends.add(CompletableFuture.supplyAsync(() -> end(client), threads));
      }
      Thread.sleep(1_500);
      long revoked = revoke();
      double[] millis = new double[CLIENTS];
      for (int i = 0; i < CLIENTS; i++) {
        millis[i] = (ends.get(i).join() - revoked) / 1e6;
      }
      Percentiles percentiles = Percentiles.of(millis);
      System.out.println("revoke to closed connection, ms: " + percentiles);
      return List.of(
          new Floor(
              "revoke to closed connection over " + CLIENTS + " clients, p99",
              percentiles.p99(),
              P99_MILLIS,
              false,
              "ms"));
    } finally {
      threads.shutdownNow();
      for (RawClient client : clients) {
        client.close();
      }
    }
  }

  private static long end(RawClient client) {
    try {
      client.awaitEnd();
      return System.nanoTime();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private long revoke() throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(status, "agentsession-*.yaml")) {
      for (Path file : files) {
        String text = Files.readString(file);
        String edited = text.replace("revoked: false", "revoked: true");
        if (!edited.equals(text)) {
          Path copy = status.resolve(".revoked.edit");
          Files.writeString(copy, edited);
          long now = System.nanoTime();
          Files.move(
              copy, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
          return now;
        }
      }
    }
    throw new IOException("there is no session to revoke in " + status);
  }
}
