package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;

/** The environment variables that the agent's containers get. */
public record Environment(
    @JsonPropertyDescription(
            "Whether the variables are set: PGHOST, PGPORT, PGUSER and PGDATABASE for PostgreSQL. A pod that sets one of them itself is refused.")
        @Default("true")
        Boolean enabled,
    @JsonPropertyDescription(
            "Put before each name with an underscore: with the prefix ORDERS the host is in ORDERS_PGHOST. Needed where a pod has two connections of one protocol.")
        @Size(max = 32)
        @Pattern("^([A-Z][A-Z0-9_]*)?$")
        String prefix,
    @JsonPropertyDescription(
            "Whether DATABASE_URL is set too: the same as one URL, without a password.")
        @Default("false")
        Boolean databaseUrl) {}
