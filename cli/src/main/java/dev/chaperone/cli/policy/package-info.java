/**
 * Offline questions to a policy: what it says of a statement, and whether it can be put in force.
 */
package dev.chaperone.cli.policy;
