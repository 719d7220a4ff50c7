package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** What became of a request. */
public record ApprovalRequestStatus(
    @JsonPropertyDescription(
            "Pending: waits for decisions. Approved: may be used. Denied, Expired, Cancelled and Used are final.")
        ApprovalPhase phase,
    @JsonPropertyDescription(
            "The decisions that came in time, and when the operator first saw them. The condition DecisionIgnored names those that do not count.")
        @Size(max = 16)
        List<ObservedDecision> decisions,
    @JsonPropertyDescription("What the operator found out about the resource.") @Size(max = 16)
        List<Condition> conditions) {}
