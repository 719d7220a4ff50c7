package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** What the operator found out. */
public record AccessPolicyStatus(
    @JsonPropertyDescription("What the operator found out about the resource.") @Size(max = 16)
        List<Condition> conditions,
    @JsonPropertyDescription(
            "Of each connection that the policy names, whether the policy is in force there.")
        @Size(max = 64)
        List<PolicyConnectionStatus> connections) {}
