package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** A decision, as the operator saw it. */
public record ObservedDecision(
    @JsonPropertyDescription("Who decided.") @Required @Size(min = 1, max = 256) String by,
    @JsonPropertyDescription("Approve or Deny.") @Required ApprovalVerdict verdict,
    @JsonPropertyDescription("When the operator first saw the decision.")
        @Required
        @Size(max = 64)
        @Pattern(
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$")
        String observedAt) {}
