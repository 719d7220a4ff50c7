package dev.chaperone.benchmarks.wire;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A bound the gateway is held to.
 *
 * @param what the figure in words
 * @param value what was measured
 * @param bound what it is compared with
 * @param atLeast whether the bound is the least, rather than the most
 * @param unit what the figure counts
 */
record Floor(String what, double value, double bound, boolean atLeast, String unit) {
  private static final double OF_PGBOUNCER = 0.80;
  private static final double MASKING_OF_PGBOUNCER = 0.70;
  private static final double MASKED_ROWS_TIMES_DIRECT = 1.7;
  private static final double ROWS_OF_DIRECT = 0.60;
  private static final double CPU_OVER_PGBOUNCER = 8;
  private static final double IDLE_MEBIBYTES = 120;

  boolean held() {
    return atLeast ? value >= bound : value <= bound;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%-5s  %s: %.2f %s (%s %.2f)",
        held() ? "ok" : "BELOW",
        what,
        value,
        unit,
        atLeast ? "at least" : "at most",
        bound);
  }

  String json() {
    return String.format(
        Locale.ROOT,
        "{\"what\": \"%s\", \"value\": %.4f, \"bound\": %.4f, \"kind\": \"%s\", \"held\": %b}",
        what,
        value,
        bound,
        atLeast ? "min" : "max",
        held());
  }

  /** Returns the floors for which the results hold what they compare. */
  static List<Floor> of(Results results) {
    List<Floor> floors = new ArrayList<>();
    results.cells().forEach((cell, legs) -> addCell(floors, cell, legs));
    Double idle = results.memory().get(Leg.GATEWAY + " idle");
    if (idle != null) {
      floors.add(new Floor("gateway memory, idle", idle, IDLE_MEBIBYTES, false, "MiB"));
    }
    return floors;
  }

  private static void addMasking(
      List<Floor> floors, Results.Cell cell, Map<String, List<Sample>> legs) {
    List<Sample> masking = legs.get(Leg.MASKING);
    if (masking == null) {
      return;
    }
    String name = "masking, " + cell.workload().label() + " c=" + cell.clients();
    List<Sample> direct = legs.get(Leg.DIRECT);
    List<Sample> pgbouncer = legs.get(Leg.PGBOUNCER);
    if (!cell.workload().returnsRows() && pgbouncer != null) {
      double ratio = Spread.ofRatios(masking, pgbouncer).median();
      floors.add(new Floor(name + " against PgBouncer", ratio, MASKING_OF_PGBOUNCER, true, "x"));
    } else if (cell.workload() == Workload.PEOPLE && direct != null) {
      double times = 1 / Spread.ofRatios(masking, direct).median();
      floors.add(
          new Floor(name + ", time against direct", times, MASKED_ROWS_TIMES_DIRECT, false, "x"));
    }
  }

  private static void addCell(
      List<Floor> floors, Results.Cell cell, Map<String, List<Sample>> legs) {
    addMasking(floors, cell, legs);
    List<Sample> gateway = legs.get(Leg.GATEWAY);
    if (gateway == null) {
      return;
    }
    String name = cell.workload().label() + " c=" + cell.clients();
    List<Sample> direct = legs.get(Leg.DIRECT);
    List<Sample> pgbouncer = legs.get(Leg.PGBOUNCER);
    if (cell.workload().returnsRows()) {
      if (direct != null) {
        double ratio = Spread.ofRatios(gateway, direct).median();
        floors.add(new Floor(name + " against direct", ratio, ROWS_OF_DIRECT, true, "x"));
      }
    } else if (pgbouncer != null) {
      double ratio = Spread.ofRatios(gateway, pgbouncer).median();
      floors.add(new Floor(name + " against PgBouncer", ratio, OF_PGBOUNCER, true, "x"));
      if (cell.clients() == 16) {
        double over =
            Spread.of(gateway, Sample::cpuMicros).median()
                - Spread.of(pgbouncer, Sample::cpuMicros).median();
        floors.add(
            new Floor(
                name + " CPU per query over PgBouncer", over, CPU_OVER_PGBOUNCER, false, "us"));
      }
    }
  }
}
