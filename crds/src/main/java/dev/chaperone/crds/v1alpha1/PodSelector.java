package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;
import java.util.Map;

/** A label selector. All of it must match. */
@ValidationRule(
    value = "has(self.matchLabels) || has(self.matchExpressions)",
    message = "an empty selector would select every pod of the namespace: name at least one label")
public record PodSelector(
    @JsonPropertyDescription("Labels that a pod must have, each with exactly this value.")
        @Size(min = 1, max = 32)
        Map<String, @Size(max = 63) String> matchLabels,
    @JsonPropertyDescription("Further conditions on the labels of a pod.") @Size(min = 1, max = 16)
        List<PodSelectorRequirement> matchExpressions) {}
