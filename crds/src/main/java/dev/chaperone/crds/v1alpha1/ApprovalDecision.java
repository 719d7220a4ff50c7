package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** What one approver decided. */
public record ApprovalDecision(
    @JsonPropertyDescription("Who decided: the user name that Kubernetes authenticated.")
        @Required
        @Size(min = 1, max = 256)
        String by,
    @JsonPropertyDescription("Approve or Deny.") @Required ApprovalVerdict verdict,
    @JsonPropertyDescription("Why.") @Size(max = 1024) String comment) {}
