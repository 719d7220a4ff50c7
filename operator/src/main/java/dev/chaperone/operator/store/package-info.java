/**
 * The store of recordings: what sidecars ship, verified as it arrives and kept on a volume of this
 * replica. docs/architecture.md says why each replica has its own.
 */
package dev.chaperone.operator.store;
