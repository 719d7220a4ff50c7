package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;

/** What an approval gives. */
public record Grant(
    @JsonPropertyDescription(
            "Once: exactly this operation, one time. Session: everything that this rule matches, in this session, until the duration ends.")
        @Default("Once")
        GrantScope scope,
    @JsonPropertyDescription("How long the approval can be used, such as 10m.")
        @Default("10m")
        @Size(min = 2, max = 32)
        @Pattern("^([1-9][0-9]{0,5}[smhd]){1,4}$")
        String duration) {}
