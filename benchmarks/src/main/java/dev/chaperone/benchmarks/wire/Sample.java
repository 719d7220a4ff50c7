package dev.chaperone.benchmarks.wire;

/**
 * One measurement of one cell.
 *
 * @param tps queries per second
 * @param cpuMicros CPU time of the process in between, per query
 */
record Sample(double tps, double cpuMicros) {}
