/**
 * What the gateway costs on the wire: pgbench against PostgreSQL itself, PgBouncer and the gateway,
 * in turns. Plain Java without dependencies, so that {@code benchmarks/run} compiles it by itself.
 */
package dev.chaperone.benchmarks.wire;
