/**
 * Turns resources into what the gateway enforces, and refuses what could not be enforced as it is
 * written.
 */
package dev.chaperone.control.translation;
