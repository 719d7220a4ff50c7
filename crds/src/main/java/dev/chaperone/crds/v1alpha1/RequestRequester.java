package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** Who asks. */
public record RequestRequester(
    @JsonPropertyDescription("The user name: a service account, or an end user.")
        @Required
        @Size(min = 1, max = 1024)
        String username,
    @JsonPropertyDescription("The groups of the requester.") @Size(max = 64)
        List<@Size(min = 1, max = 256) String> groups,
    @JsonPropertyDescription("The service account of the pod.") @Required @Size(min = 1, max = 253)
        String serviceAccount,
    @JsonPropertyDescription("The name of the pod.") @Required @Size(min = 1, max = 253) String pod,
    @JsonPropertyDescription("The uid of the pod.") @Required @Size(min = 1, max = 64)
        String podUid) {}
