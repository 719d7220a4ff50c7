/**
 * What is remembered of a session: events in a chain of hashes with signed checkpoints; writing,
 * reading, verifying and showing them. The bytes are described in docs/recording-format.md.
 */
package dev.chaperone.recording;
