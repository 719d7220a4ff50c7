package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** What a session may use at most. */
@ValidationRule(
    value =
        "has(self.rowsPerOperation) || has(self.bytesPerOperation) || has(self.operationsPerMinute)",
    message = "name at least one limit")
public record PolicyLimits(
    @JsonPropertyDescription(
            "How many rows one operation may return. Passing it cancels the operation with an error; a result is never silently cut.")
        @Min(1)
        @Max(1_000_000_000_000L)
        Long rowsPerOperation,
    @JsonPropertyDescription("How many bytes one operation may return, such as 64Mi.")
        @Size(min = 1, max = 16)
        @Pattern("^[1-9][0-9]{0,11}(Ki|Mi|Gi|k|M|G)?$")
        String bytesPerOperation,
    @JsonPropertyDescription("How many operations a session may do in a minute.")
        @Min(1)
        @Max(1000000)
        Integer operationsPerMinute) {}
