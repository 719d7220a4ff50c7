/**
 * The journal: what happens is recorded here before it goes on, in memory that belongs to a file
 * and therefore outlives the process, and is brought to the disk behind the scenes.
 */
package dev.chaperone.sidecar.journal;
