package dev.chaperone.benchmarks.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Many operations that wait for approval at once: what each costs in memory, and how long it takes
 * from the approval, written into the request's file, to the target's answer at the client.
 */
final class Held {
  static final int OPERATIONS = 1_000;

  private static final double P99_MILLIS = 50;
  private static final Pattern NAME = Pattern.compile("request ([a-z0-9-]+)");

  private final Running process;
  private final int port;
  private final Path status;

  Held(Leg leg, Path status) {
    this.process = leg.process().orElseThrow();
    this.port = leg.port();
    this.status = status;
  }

  List<Floor> run() throws IOException {
    List<RawClient> clients = new ArrayList<>();
    try {
      for (int i = 0; i < OPERATIONS; i++) {
        clients.add(new RawClient(port));
      }
      double connected = process.rssMebibytes();
      List<String> names = new ArrayList<>();
      for (int i = 0; i < OPERATIONS; i++) {
        clients
            .get(i)
            .query(
                "INSERT INTO pgbench_history (tid, bid, aid, delta) VALUES (1, 1, 1, " + i + ")");
      }
      for (RawClient client : clients) {
        Matcher name = NAME.matcher(client.await('N'));
        if (!name.find()) {
          throw new IOException("a notice without the name of a request");
        }
        names.add(name.group(1));
      }
      double held = process.rssMebibytes();
      System.out.printf(
          Locale.ROOT,
          "%d client connections: %.1f MiB; all held: %.1f MiB, %.1f KiB each%n",
          OPERATIONS,
          connected,
          held,
          (held - connected) * 1024 / OPERATIONS);
      double[] millis = new double[OPERATIONS];
      for (int i = 0; i < OPERATIONS; i++) {
        long from = approve(names.get(i));
        clients.get(i).await('C');
        millis[i] = (System.nanoTime() - from) / 1e6;
      }
      Percentiles percentiles = Percentiles.of(millis);
      System.out.println("approval to answer, ms: " + percentiles);
      return List.of(
          new Floor(
              "approval of a held operation to its answer, p99",
              percentiles.p99(),
              P99_MILLIS,
              false,
              "ms"));
    } finally {
      for (RawClient client : clients) {
        client.close();
      }
    }
  }

  /** As an approver's editor does it: a new file in place of the old one. */
  private long approve(String name) throws IOException {
    Path file = status.resolve("approvalrequest-" + name + ".yaml");
    String text = Files.readString(file);
    String decided =
        text.replace(
            "  decisions: []\nstatus", "  decisions:\n  - {by: ann, verdict: Approve}\nstatus");
    if (decided.equals(text)) {
      throw new IOException("unexpected form of " + file);
    }
    Path edited = status.resolve("." + name + ".edit");
    Files.writeString(edited, decided);
    long now = System.nanoTime();
    Files.move(edited, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    return now;
  }
}
