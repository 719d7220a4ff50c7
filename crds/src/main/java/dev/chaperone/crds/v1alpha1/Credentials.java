package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;

/** What the gateway logs in with. */
public record Credentials(
    @JsonPropertyDescription(
            "The Secret that holds the credential. It is mounted into the gateway alone; a new value is used for the next login, without a restart.")
        @Required
        CredentialsSecret secretRef) {}
