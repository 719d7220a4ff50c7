package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Min;

/** How many sessions there are. */
public record SessionCounts(
    @JsonPropertyDescription("Sessions with at least one open client connection.") @Min(0)
        Integer active) {}
