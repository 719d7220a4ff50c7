package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** Which pod uses which connection. */
public record AgentSessionSpec(
    @JsonPropertyDescription("The name of the pod.")
        @Required
        @Size(min = 1, max = 253)
        @ValidationRule(value = "self == oldSelf", message = "this field is immutable")
        String pod,
    @JsonPropertyDescription("The uid of the pod.")
        @Required
        @Size(min = 1, max = 64)
        @ValidationRule(value = "self == oldSelf", message = "this field is immutable")
        String podUid,
    @JsonPropertyDescription("The name of the AgentConnection.")
        @Required
        @Size(min = 1, max = 253)
        @ValidationRule(value = "self == oldSelf", message = "this field is immutable")
        String connection,
    @JsonPropertyDescription("Who the agent is.")
        @Required
        @ValidationRule(value = "self == oldSelf", message = "this field is immutable")
        SessionIdentity identity,
    @JsonPropertyDescription("When the session began.")
        @Required
        @Size(max = 64)
        @Pattern(
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$")
        @ValidationRule(value = "self == oldSelf", message = "this field is immutable")
        String startedAt,
    @JsonPropertyDescription(
            "Set to true to end the session within a second. It cannot be set back.")
        @Default("false")
        @ValidationRule(value = "!oldSelf || self", message = "a revoked session stays revoked")
        Boolean revoked) {}
