/**
 * Recordings as the API group {@code recordings.chaperone.dev}, behind the API server's aggregation
 * layer: who may read one is the cluster's RBAC to say.
 */
package dev.chaperone.operator.reading;
