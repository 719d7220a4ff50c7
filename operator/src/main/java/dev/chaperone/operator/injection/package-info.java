/**
 * Which pods get a gateway, how it is put in, and which pods are refused: pure functions of the raw
 * pod, the AgentConnections of its namespace and the settings of the operator.
 *
 * <p>The author of a pod is trusted for the agent's code and for nothing else. So nothing in the
 * pod is believed but the labels that a connection selects by, and the pod as the API server is
 * about to store it is checked again ({@link dev.chaperone.operator.injection.FinalPodCheck}),
 * whatever changed it in between.
 */
package dev.chaperone.operator.injection;
