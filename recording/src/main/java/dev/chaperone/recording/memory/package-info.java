/**
 * Memory that outlives the process: what was recorded and is not on the disk yet. A gateway writes
 * to it; whoever comes after a gateway that was killed brings it to the disk.
 */
package dev.chaperone.recording.memory;
