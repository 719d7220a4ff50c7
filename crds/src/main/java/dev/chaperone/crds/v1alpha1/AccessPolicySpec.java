package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;

/** Who may do what. */
@ValidationRule(
    value = "has(self.rules) || has(self.masking) || has(self.limits)",
    message = "a policy needs rules, masking or limits")
public record AccessPolicySpec(
    @JsonPropertyDescription(
            "The names of the AgentConnections, in the same namespace, that this policy governs.")
        @Required
        @Size(min = 1, max = 64)
        List<@Size(min = 1, max = 253) @Pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$") String>
            connections,
    @JsonPropertyDescription("Whom this policy governs. One match is enough.")
        @Required
        @Size(min = 1, max = 64)
        List<PolicySubject> subjects,
    @JsonPropertyDescription(
            "Enforce: the rules decide. Observe: the gateway only records what they would have decided.")
        @Default("Enforce")
        PolicyMode mode,
    @JsonPropertyDescription(
            "In order: the first rule that matches decides, but a matching Deny wins wherever it stands. What no rule of any policy allows is denied.")
        @Size(min = 1, max = 64)
        @ValidationRule(
            value = "self.all(one, self.exists_one(other, other.name == one.name))",
            message = "the names of the rules must differ")
        List<PolicyRule> rules,
    @JsonPropertyDescription(
            "What is masked in responses. The masks of all policies add up; the strictest wins.")
        @Size(min = 1, max = 64)
        List<MaskingRule> masking,
    @JsonPropertyDescription(
            "What a session may use at most. The limits of all policies add up; the smallest wins.")
        PolicyLimits limits) {}
