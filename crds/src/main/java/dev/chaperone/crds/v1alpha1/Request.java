package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** What an agent wants to do. */
public record Request(
    @JsonPropertyDescription("The name of the AgentSession that asks.")
        @Required
        @Size(min = 1, max = 253)
        String session,
    @JsonPropertyDescription("The name of the AgentConnection.") @Required @Size(min = 1, max = 253)
        String connection,
    @JsonPropertyDescription("Who asks.") @Required RequestRequester requester,
    @JsonPropertyDescription("What the agent wants to do.") @Required RequestOperation operation,
    @JsonPropertyDescription("The rule that asks for approval.") @Required RequestPolicy policy,
    @JsonPropertyDescription("Who may decide.") @Required RequestApprovers approvers,
    @JsonPropertyDescription("When the request expires without a decision.")
        @Required
        @Size(max = 64)
        @Pattern(
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$")
        String expiresAt) {}
