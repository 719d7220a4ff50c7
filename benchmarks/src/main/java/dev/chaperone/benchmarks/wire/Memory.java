package dev.chaperone.benchmarks.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/** How the memory of a process in between grows: under load, and behind a slow reader. */
final class Memory {
  private static final double LOAD_GROWTH = 10;
  private static final double READER_GROWTH = 16;
  private static final List<Workload> WORKLOADS = List.of(Workload.values());
  private static final int CLIENTS = 16;
  private static final int SLOW_SECONDS = 30;

  private final Options options;
  private final PgBench pgbench;

  Memory(Options options, PgBench pgbench) {
    this.options = options;
    this.pgbench = pgbench;
  }

  List<Floor> run(Leg leg) throws IOException, InterruptedException {
    Running process = leg.process().orElseThrow();
    System.out.printf(Locale.ROOT, "%s idle: %.1f MiB%n", leg.name(), process.rssMebibytes());
    return List.of(underLoad(leg, process), behindSlowReader(leg, process));
  }

  /** Compares minute 2 with the last minute: before that, compiling and filling caches is seen. */
  private Floor underLoad(Leg leg, Running process) throws IOException, InterruptedException {
    double early = 0;
    double late = 0;
    for (int minute = 1; minute <= options.minutes(); minute++) {
      // The same mixture in every minute; connections of all kinds come and go.
      for (Workload workload : WORKLOADS) {
        pgbench.finish(pgbench.start(leg, workload, CLIENTS, 60 / WORKLOADS.size()));
      }
      late = process.rssMebibytes();
      if (minute <= 2) {
        early = late;
      }
      System.out.printf(Locale.ROOT, "%s minute %d: %.1f MiB%n", leg.name(), minute, late);
    }
    return new Floor(
        leg.name() + " growth from minute 2 to minute " + options.minutes() + " of load",
        late - early,
        LOAD_GROWTH,
        false,
        "MiB");
  }

  private static Floor behindSlowReader(Leg leg, Running process)
      throws IOException, InterruptedException {
    double before = process.rssMebibytes();
    double highest = before;
    try (SlowReader reader = new SlowReader(leg.port())) {
      CompletableFuture<Integer> rows = CompletableFuture.supplyAsync(() -> readAll(reader));
      while (!rows.isDone()) {
        highest = Math.max(highest, process.rssMebibytes());
        Thread.sleep(50);
      }
      if (rows.join() != SlowReader.ROWS) {
        throw new IOException("got " + rows.join() + " rows, not " + SlowReader.ROWS);
      }
    }
    return new Floor(
        leg.name() + " growth behind a slow reader of 5 million rows",
        highest - before,
        READER_GROWTH,
        false,
        "MiB");
  }

  private static int readAll(SlowReader reader) {
    try {
      return reader.read(SLOW_SECONDS);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  static void report(List<Floor> all, Options options) throws IOException {
    List<String> json = new ArrayList<>();
    for (Floor floor : all) {
      System.out.println(floor);
      json.add(floor.json());
    }
    Files.createDirectories(options.json().toAbsolutePath().getParent());
    Files.writeString(
        options.json(),
        json.stream().collect(Collectors.joining(",\n  ", "{\"memory\": [\n  ", "\n]}\n")));
    System.out.println("\nFigures: " + options.json());
  }
}
