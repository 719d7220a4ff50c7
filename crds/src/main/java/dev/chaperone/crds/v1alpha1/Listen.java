package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;

/** Where the gateway listens. */
public record Listen(
    @JsonPropertyDescription(
            "The port on the loopback interface of the pod. Each connection of a pod needs its own.")
        @Required
        @Min(1024)
        @Max(65535)
        Integer port) {}
