/**
 * What one replica at a time does, the leader: sums up what is known of connections and policies in
 * their status, ends what no sidecar can end any more, and clears up what is over.
 */
package dev.chaperone.operator.reconcile;
