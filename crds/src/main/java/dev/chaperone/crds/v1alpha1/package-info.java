/**
 * What is said: the resources of {@code chaperone.dev/v1alpha1} as records. The specs and statuses
 * are plain data, readable without a Kubernetes client; only {@link
 * dev.chaperone.crds.v1alpha1.AgentConnection} and its three siblings need one.
 *
 * <p>The descriptions here are what {@code kubectl explain} prints. Constraints are annotations;
 * the CRD YAML is generated from them.
 */
package dev.chaperone.crds.v1alpha1;
