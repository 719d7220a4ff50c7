/** How much the journal takes. */
package dev.chaperone.benchmarks.journal;
