/**
 * Masking: what replaces protected values, and how values that nobody named are recognised. Works
 * on bytes in the formats of PostgreSQL; no value becomes a String.
 */
package dev.chaperone.policy.masking;
