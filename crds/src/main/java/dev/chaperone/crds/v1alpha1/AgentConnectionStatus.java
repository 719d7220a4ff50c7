package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** What the operator and the gateways report. */
public record AgentConnectionStatus(
    @JsonPropertyDescription("What the operator found out about the resource.") @Size(max = 16)
        List<Condition> conditions,
    @JsonPropertyDescription("How many pods have a gateway for this connection.")
        AgentCounts agents,
    @JsonPropertyDescription("How many sessions there are.") SessionCounts sessions) {}
