/**
 * The operator's own certificate authority: made once, kept in a Secret that all replicas share,
 * renewed with an overlap, and made known to the API server. Each replica makes its own serving
 * certificate from it, in memory.
 */
package dev.chaperone.operator.certificates;
