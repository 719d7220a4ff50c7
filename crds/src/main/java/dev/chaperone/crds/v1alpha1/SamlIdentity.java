package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** A SAML identity provider. */
public record SamlIdentity(
    @JsonPropertyDescription("Where the metadata of the provider are.")
        @Required
        @Size(min = 8, max = 1024)
        @Pattern("^https://.+$")
        String metadataUrl,
    @JsonPropertyDescription("The audience that an assertion must be for.")
        @Required
        @Size(min = 1, max = 256)
        String audience,
    @JsonPropertyDescription("The attribute that holds the groups of the user.")
        @Default("groups")
        @Size(min = 1, max = 256)
        String groupsAttribute) {}
