package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** Where a target is. */
public record Target(
    @JsonPropertyDescription(
            "The host name or IP address of the target. With tls.mode VerifyFull its certificate must be for this name, unless tls.serverName says otherwise.")
        @Required
        @Size(min = 1, max = 253)
        @Pattern("^[A-Za-z0-9]([-A-Za-z0-9.:]*[A-Za-z0-9.])?$")
        String host,
    @JsonPropertyDescription("The TCP port of the target.") @Required @Min(1) @Max(65535)
        Integer port,
    @JsonPropertyDescription(
            "The database that sessions are opened in. Clients that ask for another one are refused.")
        @Size(min = 1, max = 63)
        String database,
    @JsonPropertyDescription("How the connection from the gateway to the target is secured.")
        @Default("{}")
        Tls tls) {}
