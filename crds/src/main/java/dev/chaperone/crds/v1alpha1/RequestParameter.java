package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;

/** A value bound to a parameter. */
public record RequestParameter(
    @JsonPropertyDescription("The type of the parameter.") @Size(max = 256) String type,
    @JsonPropertyDescription("The value as text; absent where it is null.") @Size(max = 65536)
        String value,
    @JsonPropertyDescription("Whether the value shown is a mask.") Boolean masked) {}
