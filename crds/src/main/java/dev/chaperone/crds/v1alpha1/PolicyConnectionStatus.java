package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** Whether a policy is in force for a connection. */
public record PolicyConnectionStatus(
    @JsonPropertyDescription("The name of the connection.") @Required @Size(min = 1, max = 253)
        String name,
    @JsonPropertyDescription(
            "Whether every gateway of the connection has this generation of the policy.")
        Boolean inForce,
    @JsonPropertyDescription("Why not, in a sentence.") @Size(max = 1024) String message) {}
