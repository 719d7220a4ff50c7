package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** Who an agent is. */
public record SessionIdentity(
    @JsonPropertyDescription("The service account of the pod.") @Required @Size(min = 1, max = 253)
        String serviceAccount,
    @JsonPropertyDescription(
            "The end user behind the agent, where an identity provider vouches for one.")
        @Size(min = 1, max = 1024)
        String user,
    @JsonPropertyDescription("The groups of the end user.") @Size(max = 64)
        List<@Size(min = 1, max = 256) String> groups) {}
