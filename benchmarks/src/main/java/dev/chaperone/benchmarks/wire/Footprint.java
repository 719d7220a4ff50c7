package dev.chaperone.benchmarks.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What a gateway takes by itself: memory for a client connection that is idle, and time and memory
 * for the catalog of a database with many tables.
 */
final class Footprint {
  private static final int CLIENTS = 200;
  private static final int TABLES = 10_000;

  private final Options options;
  private final Servers servers;
  private final List<String> json = new ArrayList<>();

  Footprint(Options options, Servers servers) {
    this.options = options;
    this.servers = servers;
  }

  void run() throws IOException, InterruptedException {
    Leg small = servers.leg(Leg.GATEWAY).orElseThrow();
    first(small, "few tables");
    connections(small);
    servers.createTables(TABLES);
    first(servers.anotherGateway(options.home()), TABLES + " tables");
    Files.createDirectories(options.json().toAbsolutePath().getParent());
    Files.writeString(
        options.json(),
        json.stream().collect(Collectors.joining(",\n  ", "{\"footprint\": [\n  ", "\n]}\n")));
    System.out.println("\nFigures: " + options.json());
  }

  /** The first client waits until the catalog is read; the next one does not. */
  private void first(Leg leg, String what) throws IOException {
    double before = leg.process().orElseThrow().rssMebibytes();
    double cold = connectMillis(leg);
    double warm = connectMillis(leg);
    figure(what + ", first client until ready", cold, "ms");
    figure(what + ", second client until ready", warm, "ms");
    figure(what + ", memory for it", leg.process().orElseThrow().rssMebibytes() - before, "MiB");
  }

  private static double connectMillis(Leg leg) throws IOException {
    long begin = System.nanoTime();
    try (RawClient client = new RawClient(leg.port())) {
      double millis = (System.nanoTime() - begin) / 1e6;
      client.query("SELECT 1");
      client.await('Z');
      return millis;
    }
  }

  private void connections(Leg leg) throws IOException, InterruptedException {
    Running process = leg.process().orElseThrow();
    List<RawClient> clients = new ArrayList<>();
    try {
      // What the first ones bring about is not a connection's.
      open(leg, clients, CLIENTS / 4);
      Thread.sleep(6_000);
      double before = process.rssMebibytes();
      open(leg, clients, CLIENTS);
      Thread.sleep(6_000);
      figure(
          "an idle client connection, of " + CLIENTS,
          (process.rssMebibytes() - before) * 1_024 / CLIENTS,
          "KiB");
    } finally {
      for (RawClient client : clients) {
        client.close();
      }
    }
  }

  private static void open(Leg leg, List<RawClient> clients, int more) throws IOException {
    for (int i = 0; i < more; i++) {
      RawClient client = new RawClient(leg.port());
      clients.add(client);
      client.query("SELECT abalance FROM pgbench_accounts WHERE aid = " + i);
      client.await('Z');
    }
  }

  private void figure(String what, double value, String unit) {
    System.out.printf(Locale.ROOT, "%s: %.1f %s%n", what, value, unit);
    json.add(
        String.format(
            Locale.ROOT,
            "{\"what\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}",
            what,
            value,
            unit));
  }
}
