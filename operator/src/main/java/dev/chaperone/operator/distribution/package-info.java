/**
 * What every replica does for the sidecars that are connected to it: tells them what to enforce,
 * keeps the record of their sessions, shows their requests to approvers and passes on what those
 * decided, and writes down what they report for the leader to sum up. Everything is done from what
 * the API server holds, never from an event alone: what was missed is found at the next look.
 */
package dev.chaperone.operator.distribution;
