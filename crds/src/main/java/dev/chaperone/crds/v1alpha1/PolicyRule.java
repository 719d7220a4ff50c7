package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;

/** One rule. What is omitted matches everything. */
@ValidationRule(
    value = "(self.action == 'RequireApproval') == has(self.approval)",
    message = "approval is required with action RequireApproval, and refused with any other")
@ValidationRule(
    value = "self.action == 'Deny' || !has(self.message)",
    message = "message is what a Deny rule tells the agent: remove it, or use action Deny")
public record PolicyRule(
    @JsonPropertyDescription(
            "The name of the rule, unique in its policy. Refusals and recordings name it.")
        @Required
        @Size(min = 1, max = 63)
        @Pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
        String name,
    @JsonPropertyDescription(
            "What an operation does. Read, Write (data), Schema (create, alter, drop), Privilege (roles and grants), SessionState (temporary objects, locks), Execute (code whose effect is not known), Unknown (everything that is not understood; only a rule that names it can allow it).")
        @Size(min = 1, max = 7)
        List<Effect> effects,
    @JsonPropertyDescription(
            "The words of the protocol, in any case, with * and ? as wildcards: DELETE, DROP *, ALTER ROLE.")
        @Size(min = 1, max = 64)
        List<@Size(min = 1, max = 128) String> commands,
    @JsonPropertyDescription(
            "Canonical names, with * and ? as wildcards: public.tickets, public.f(), pg_temp.*, role/x, schema/x, database/x, setting/x.")
        @Size(min = 1, max = 64)
        List<@Size(min = 1, max = 256) String> resources,
    @JsonPropertyDescription(
            "A CEL condition over operation, session, subject and now, such as operation.sql.hasWhere. An error in its evaluation counts as matching for Deny and RequireApproval, and as not matching for Allow.")
        @Size(min = 1, max = 2048)
        String when,
    @JsonPropertyDescription(
            "Allow: the operation goes on. RequireApproval: it waits for a human. Deny: it is refused, whatever other rules say.")
        @Required
        RuleAction action,
    @JsonPropertyDescription(
            "Who must approve, and what an approval gives. Required with action RequireApproval.")
        ApprovalTerms approval,
    @JsonPropertyDescription(
            "What the agent is told where this rule denies, such as what to do instead.")
        @Size(min = 1, max = 512)
        String message) {}
