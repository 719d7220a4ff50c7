package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Required;

/** TLS between the agent and the gateway. */
public record ListenTls(
    @JsonPropertyDescription(
            "A Secret of type kubernetes.io/tls whose tls.crt and tls.key the gateway shows the agent. It is mounted into the gateway alone; a new value is used for the next client connection, without a restart.")
        @Required
        SecretReference secretRef,
    @JsonPropertyDescription("Whether client connections without TLS are refused.")
        @Default("false")
        Boolean required) {}
