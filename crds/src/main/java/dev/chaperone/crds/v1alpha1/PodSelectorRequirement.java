package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;

/** A condition on one label. */
@ValidationRule(
    value = "(self.operator in ['In', 'NotIn']) == has(self.values)",
    message = "values are required for In and NotIn, and refused for Exists and DoesNotExist")
public record PodSelectorRequirement(
    @JsonPropertyDescription("The label that the condition is about.")
        @Required
        @Size(min = 1, max = 317)
        String key,
    @JsonPropertyDescription(
            "In and NotIn compare the label's value with values; Exists and DoesNotExist ask only whether the label is there.")
        @Required
        SelectorOperator operator,
    @JsonPropertyDescription("The values for In and NotIn.") @Size(min = 1, max = 64)
        List<@Size(min = 1, max = 63) String> values) {}
