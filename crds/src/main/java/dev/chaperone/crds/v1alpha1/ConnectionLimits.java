package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;

/** Bounds on what one agent may make the gateway hold. */
public record ConnectionLimits(
    @JsonPropertyDescription("How many client connections one agent may have open at a time.")
        @Default("100")
        @Min(1)
        @Max(10000)
        Integer clientConnections,
    @JsonPropertyDescription("How long a statement may be, such as 1Mi. A longer one is refused.")
        @Default("1Mi")
        @Size(min = 1, max = 16)
        @Pattern("^[1-9][0-9]{0,11}(Ki|Mi|Gi|k|M|G)?$")
        String statementBytes,
    @JsonPropertyDescription("How long one message of the protocol may be, such as 64Mi.")
        @Default("64Mi")
        @Size(min = 1, max = 16)
        @Pattern("^[1-9][0-9]{0,11}(Ki|Mi|Gi|k|M|G)?$")
        String messageBytes) {}
