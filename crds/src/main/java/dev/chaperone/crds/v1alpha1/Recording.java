package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;

/** What is remembered of a session. */
public record Recording(
    @JsonPropertyDescription(
            "None: nothing of responses, but for columns and counts where masks are in force. Summary: counts and column names. Masked: rows too, with masks applied.")
        @Default("Masked")
        RecordedResponses responses,
    @JsonPropertyDescription("How many rows of one response are recorded at most.")
        @Default("100")
        @Min(0)
        @Max(10000)
        Integer maxRowsPerOperation,
    @JsonPropertyDescription(
            "What happens while nothing can be recorded. Deny: operations are refused. Continue: they go on, and the gap is recorded.")
        @Default("Deny")
        OnUnavailable onUnavailable,
    @JsonPropertyDescription(
            "Grouped: events are on disk within 100 ms. Sync: each is on disk before the operation goes on, which costs time.")
        @Default("Grouped")
        Durability durability,
    @JsonPropertyDescription("How long a recording is kept, such as 12h or 30d.")
        @Default("30d")
        @Size(min = 2, max = 32)
        @Pattern("^([1-9][0-9]{0,5}[smhd]){1,4}$")
        String retention) {}
