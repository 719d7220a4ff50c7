/**
 * The packaged operator under load: what {@code benchmarks/run operator} measures. Sidecars are
 * simulated, with the sidecar's own end of the channel; everything else is real.
 */
package dev.chaperone.operator.load;
