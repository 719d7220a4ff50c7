/**
 * What reading and deciding a statement costs, without a wire. Run by {@code benchmarks/run
 * decisions}.
 */
package dev.chaperone.benchmarks.decision;
