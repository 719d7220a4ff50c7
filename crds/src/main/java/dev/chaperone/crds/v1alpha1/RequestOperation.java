package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** What the agent wants to do. */
public record RequestOperation(
    @JsonPropertyDescription("The protocol of the connection.") @Required Protocol protocol,
    @JsonPropertyDescription("What the operation does to what.") @Required @Size(max = 256)
        List<RequestAccess> accesses,
    @JsonPropertyDescription(
            "The operation in canonical form. Control, bidirectional and odd characters are escaped.")
        @Required
        @Size(max = 131072)
        String text,
    @JsonPropertyDescription("The values bound to its parameters; values under a mask are masked.")
        @Size(max = 256)
        List<RequestParameter> parameters,
    @JsonPropertyDescription(
            "What an approval is bound to: a digest over the text, the parameters, the target, the role, the search path and the rule.")
        @Required
        @Size(min = 71, max = 71)
        @Pattern("^sha256:[0-9a-f]{64}$")
        String digest) {}
