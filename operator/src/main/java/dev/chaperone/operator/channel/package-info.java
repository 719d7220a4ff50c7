/**
 * The operator's end of the channel to the sidecars: lets in who proves to be the sidecar of a pod,
 * tells it what to enforce, and hears what its sessions do. What a sidecar says is believed about
 * its own pod only.
 */
package dev.chaperone.operator.channel;
