/**
 * What the sidecar and the operator say to each other: the messages, how they are written, framed
 * and queued, and how a sidecar proves that it holds its key. No sockets here; both programs bring
 * their own.
 */
package dev.chaperone.control.channel;
