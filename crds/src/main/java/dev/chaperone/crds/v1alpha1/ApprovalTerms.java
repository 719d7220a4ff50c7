package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** Who must approve, and what an approval gives. */
@ValidationRule(
    value =
        "(has(self.approvers.groups) && size(self.approvers.groups) > 0) || !has(self.approvers.users) || self.count <= size(self.approvers.users)",
    message = "count is larger than the number of users who may approve")
public record ApprovalTerms(
    @JsonPropertyDescription(
            "Who may decide. RBAC must let them approve approvalrequests too. Nobody decides what they asked for themselves.")
        @Required
        Approvers approvers,
    @JsonPropertyDescription(
            "How many different approvers are needed. A single denial ends the request.")
        @Default("1")
        @Min(1)
        @Max(16)
        Integer count,
    @JsonPropertyDescription("How long the request waits for a decision, such as 15m.")
        @Default("15m")
        @Size(min = 2, max = 32)
        @Pattern("^([1-9][0-9]{0,5}[smhd]){1,4}$")
        String timeout,
    @JsonPropertyDescription(
            "What happens to an operation inside an open transaction. UnlessWritten: it waits, but is refused if the transaction has already written. Hold: it waits, for up to 30 seconds. Refuse: it is refused.")
        @Default("UnlessWritten")
        InTransaction inTransaction,
    @JsonPropertyDescription("What an approval gives.") @Default("{}") Grant grant) {}
