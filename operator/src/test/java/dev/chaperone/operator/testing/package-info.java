/**
 * What tests on a real Kubernetes share: a cluster, people in it, and requests as they are sent.
 */
package dev.chaperone.operator.testing;
