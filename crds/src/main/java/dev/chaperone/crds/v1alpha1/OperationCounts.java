package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Min;

/** How many operations there were. */
public record OperationCounts(
    @JsonPropertyDescription("Operations that policy allowed.") @Min(0) Long allowed,
    @JsonPropertyDescription("Operations that were refused.") @Min(0) Long denied,
    @JsonPropertyDescription("Operations that a human approved.") @Min(0) Long approved) {}
