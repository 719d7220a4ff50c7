package dev.chaperone.benchmarks.wire;

/** What pgbench runs. The columns of {@code people} are those that the masking leg masks. */
enum Workload {
  SIMPLE("simple", "simple", ""),
  EXTENDED("extended", "extended", ""),
  PREPARED("prepared", "prepared", ""),
  ROWS(
      "rows-1000",
      "simple",
      """
      \\set first random(1, 999000)
      SELECT aid, bid, abalance FROM pgbench_accounts WHERE aid BETWEEN :first AND :first + 999;
      """),
  PEOPLE(
      "people-1000",
      "simple",
      """
      \\set first random(1, 99000)
      SELECT name, email, ssn FROM people WHERE id BETWEEN :first AND :first + 999;
      """);

  private final String label;
  private final String protocol;
  private final String script;

  Workload(String label, String protocol, String script) {
    this.label = label;
    this.protocol = protocol;
    this.script = script;
  }

  /** Returns the name used on the command line and in the results. */
  String label() {
    return label;
  }

  /** Returns pgbench's query mode. */
  String protocol() {
    return protocol;
  }

  /** Returns what pgbench runs; empty for its own select. */
  String script() {
    return script;
  }

  /** Says whether one query returns 1000 rows, rather than one. */
  boolean returnsRows() {
    return !script.isEmpty();
  }
}
