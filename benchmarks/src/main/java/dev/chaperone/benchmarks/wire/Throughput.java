package dev.chaperone.benchmarks.wire;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Measures every cell on every leg, round after round; the legs take turns in going first. */
final class Throughput {
  /** What was compiled for one workload is compiled anew when another one is met. */
  private static final int WARM_UP_TURNS = 4;

  private final Options options;
  private final PgBench pgbench;
  private final List<Leg> legs;
  private final Results results = new Results();

  Throughput(Options options, PgBench pgbench, List<Leg> legs) {
    this.options = options;
    this.pgbench = pgbench;
    this.legs = legs;
  }

  Results run() throws IOException, InterruptedException {
    recordMemory("idle");
    warmUp();
    for (int round = 0; round < options.rounds(); round++) {
      System.out.printf("round %d of %d%n", round + 1, options.rounds());
      for (Results.Cell cell : cells()) {
        for (Leg leg : turn(round)) {
          results.add(
              cell,
              leg.name(),
              pgbench.measure(leg, cell.workload(), cell.clients(), options.seconds()));
        }
      }
    }
    recordMemory("after the load");
    return results;
  }

  private void warmUp() throws IOException, InterruptedException {
    System.out.println("warming up");
    for (int turn = 0; turn < WARM_UP_TURNS; turn++) {
      for (Workload workload : workloads()) {
        for (Leg leg : legs) {
          int queries = options.warmUp() / WARM_UP_TURNS;
          pgbench.warmUp(leg, workload, leg.compilesItself() ? queries : queries / 10);
        }
      }
      // What compiles itself gets to the end of its queue.
      TimeUnit.SECONDS.sleep(2);
    }
  }

  private List<Workload> workloads() {
    return List.of(Workload.values()).stream()
        .filter(workload -> options.wantsWorkload(workload.label()))
        .toList();
  }

  private List<Results.Cell> cells() {
    return workloads().stream()
        .flatMap(
            workload ->
                options.clients().stream().map(clients -> new Results.Cell(workload, clients)))
        .toList();
  }

  private List<Leg> turn(int round) {
    List<Leg> order = new ArrayList<>(legs);
    Collections.rotate(order, round);
    return order;
  }

  private void recordMemory(String when) throws IOException {
    for (Leg leg : legs) {
      if (leg.process().isPresent()) {
        results.memory(leg.name(), when, leg.process().get().rssMebibytes());
      }
    }
  }
}
