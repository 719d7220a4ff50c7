package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** One aspect of the state of a resource, as Kubernetes writes them. */
public record Condition(
    @JsonPropertyDescription(
            "What the condition is about, such as Accepted; unique among the conditions of a resource.")
        @Required
        @Size(min = 1, max = 316)
        String type,
    @JsonPropertyDescription("Whether it holds: True, False or Unknown.") @Required
        ConditionStatus status,
    @JsonPropertyDescription("Why, in one word for programs.") @Size(min = 1, max = 1024)
        String reason,
    @JsonPropertyDescription("Why, in a sentence for people.") @Size(max = 32768) String message,
    @JsonPropertyDescription("When the status last changed.")
        @Size(max = 64)
        @Pattern(
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$")
        String lastTransitionTime,
    @JsonPropertyDescription("The generation of the resource that this was said of.") @Min(0)
        Long observedGeneration) {}
