package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** Whom a policy governs. */
public record PolicySubject(
    @JsonPropertyDescription(
            "ServiceAccount: a service account of this namespace. User or Group: an end user behind the agent, whom the identity provider of the connection vouches for.")
        @Required
        SubjectKind kind,
    @JsonPropertyDescription("The name of the service account, user or group.")
        @Required
        @Size(min = 1, max = 253)
        String name) {}
