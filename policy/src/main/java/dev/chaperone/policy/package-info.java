/**
 * What is decided: an {@link dev.chaperone.policy.Operation} and a {@link
 * dev.chaperone.policy.PolicySet} make a {@link dev.chaperone.policy.Decision}. A pure library: no
 * I/O, no threads but those it is given, no dependency on the other modules.
 */
package dev.chaperone.policy;
