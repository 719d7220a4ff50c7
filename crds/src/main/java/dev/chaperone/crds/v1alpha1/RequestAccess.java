package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** One thing an operation does to one resource. */
public record RequestAccess(
    @JsonPropertyDescription("What is done, in the words of a rule's effects.") @Required
        Effect effect,
    @JsonPropertyDescription("The word of the protocol for it, such as UPDATE.")
        @Required
        @Size(max = 256)
        String command,
    @JsonPropertyDescription("The canonical name of the resource, such as public.tickets.")
        @Required
        @Size(max = 1024)
        String resource) {}
