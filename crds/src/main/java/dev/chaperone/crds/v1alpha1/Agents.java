package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Required;

/** Which pods are agents of a connection. */
public record Agents(
    @JsonPropertyDescription(
            "The labels of the pods that get a gateway for this connection. A pod that matches is refused unless the gateway can be put beside it safely.")
        @Required
        PodSelector podSelector,
    @JsonPropertyDescription(
            "Whether pods are refused whose own service account could read the credential from the Kubernetes API.")
        @Default("true")
        Boolean refusePrivileged) {}
