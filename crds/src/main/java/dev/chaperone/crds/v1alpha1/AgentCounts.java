package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Min;

/** How many pods have a gateway. */
public record AgentCounts(
    @JsonPropertyDescription("Pods that have a gateway for this connection.") @Min(0)
        Integer injected,
    @JsonPropertyDescription(
            "Pods that match the selector and have none, because they are older than the connection.")
        @Min(0)
        Integer needRestart) {}
