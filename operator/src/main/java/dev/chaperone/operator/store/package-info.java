/**
 * The store of recordings: what sidecars ship, verified as it arrives and kept on a volume of this
 * replica, and brought from there to object storage where there is one. docs/architecture.md says
 * why each replica has its own.
 */
package dev.chaperone.operator.store;
