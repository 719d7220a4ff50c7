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
        Integer port,
    @JsonPropertyDescription(
            "Offers TLS to the agent, for clients that insist on it. It never leaves the pod: without it the port takes connections in clear alone.")
        ListenTls tls) {}
