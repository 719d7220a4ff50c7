package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** The rule that asks for approval. */
public record RequestPolicy(
    @JsonPropertyDescription("The name of the AccessPolicy.") @Required @Size(min = 1, max = 253)
        String name,
    @JsonPropertyDescription("The name of the rule.") @Required @Size(min = 1, max = 63)
        String rule,
    @JsonPropertyDescription("The uid of the policy.") @Required @Size(min = 1, max = 64)
        String uid,
    @JsonPropertyDescription("The generation of the policy. With another one the approval is void.")
        @Required
        @Min(0)
        Long generation) {}
