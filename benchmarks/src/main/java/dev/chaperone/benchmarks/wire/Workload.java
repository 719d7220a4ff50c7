package dev.chaperone.benchmarks.wire;

/** What pgbench runs. */
enum Workload {
  SIMPLE("simple", "simple", false),
  EXTENDED("extended", "extended", false),
  PREPARED("prepared", "prepared", false),
  ROWS("rows-1000", "simple", true);

  private final String label;
  private final String protocol;
  private final boolean rows;

  Workload(String label, String protocol, boolean rows) {
    this.label = label;
    this.protocol = protocol;
    this.rows = rows;
  }

  /** Returns the name used on the command line and in the results. */
  String label() {
    return label;
  }

  /** Returns pgbench's query mode. */
  String protocol() {
    return protocol;
  }

  /** Says whether one query returns 1000 rows, rather than one. */
  boolean returnsRows() {
    return rows;
  }
}
