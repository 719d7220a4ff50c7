package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;

/** Who may decide. */
@ValidationRule(
    value =
        "(has(self.groups) && size(self.groups) > 0) || (has(self.users) && size(self.users) > 0)",
    message = "name at least one group or user who may approve")
public record Approvers(
    @JsonPropertyDescription("Groups whose members may decide, as Kubernetes authenticates them.")
        @Size(max = 32)
        List<@Size(min = 1, max = 256) String> groups,
    @JsonPropertyDescription(
            "Users who may decide, by the name that Kubernetes authenticates; a service account is system:serviceaccount:NAMESPACE:NAME.")
        @Size(max = 32)
        List<@Size(min = 1, max = 256) String> users,
    @JsonPropertyDescription(
            "Whether service accounts, such as a pipeline's, are refused as approvers.")
        @Default("false")
        Boolean humansOnly) {}
