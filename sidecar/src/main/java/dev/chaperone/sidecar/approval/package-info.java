/**
 * Holding an operation until a human has decided, and waking it: requests, their states, and where
 * they are kept. Neutral to protocols.
 */
package dev.chaperone.sidecar.approval;
