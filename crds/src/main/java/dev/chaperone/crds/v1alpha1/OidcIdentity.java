package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** An OpenID Connect provider. */
public record OidcIdentity(
    @JsonPropertyDescription("The issuer URL, whose tokens are accepted.")
        @Required
        @Size(min = 8, max = 1024)
        @Pattern("^https://.+$")
        String issuer,
    @JsonPropertyDescription("The audience that a token must be for.")
        @Required
        @Size(min = 1, max = 256)
        String audience,
    @JsonPropertyDescription("The claim that holds the user name.")
        @Default("sub")
        @Size(min = 1, max = 256)
        String usernameClaim,
    @JsonPropertyDescription("The claim that holds the groups of the user.")
        @Default("groups")
        @Size(min = 1, max = 256)
        String groupsClaim) {}
