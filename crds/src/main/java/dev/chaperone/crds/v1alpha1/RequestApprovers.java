package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import java.util.List;

/** Who may decide a request. */
public record RequestApprovers(
    @JsonPropertyDescription("Groups whose members may decide.") @Size(max = 32)
        List<@Size(min = 1, max = 256) String> groups,
    @JsonPropertyDescription("Users who may decide.") @Size(max = 32)
        List<@Size(min = 1, max = 256) String> users,
    @JsonPropertyDescription("How many different approvers are needed.") @Required @Min(1) @Max(16)
        Integer count,
    @JsonPropertyDescription("Whether service accounts are refused as approvers.") @Default("false")
        Boolean humansOnly) {}
