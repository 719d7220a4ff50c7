package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** What the session did so far. */
public record AgentSessionStatus(
    @JsonPropertyDescription("Active, Ended or Revoked.") SessionPhase phase,
    @JsonPropertyDescription("How many operations there were.") OperationCounts operations,
    @JsonPropertyDescription("How many values were masked.") @Min(0) Long maskedValues,
    @JsonPropertyDescription("How many rows were sent to the agent.") @Min(0) Long rows,
    @JsonPropertyDescription("When the agent last did something.")
        @Size(max = 64)
        @Pattern(
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$")
        String lastActivity,
    @JsonPropertyDescription("Where the recording is.") RecordingState recording,
    @JsonPropertyDescription("What the operator found out about the resource.") @Size(max = 16)
        List<Condition> conditions) {}
