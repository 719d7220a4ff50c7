package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;

/** What is asked, and what was decided. */
public record ApprovalRequestSpec(
    @JsonPropertyDescription("What is asked. It never changes.")
        @Required
        @ValidationRule(value = "self == oldSelf", message = "request is immutable")
        Request request,
    @JsonPropertyDescription(
            "What the approvers decided: one entry each, never changed and never removed.")
        @Default("[]")
        @Size(max = 16)
        @ValidationRule(
            value = "oldSelf.all(was, was in self)",
            message =
                "decisions are append-only: an entry is never changed or removed; with server-side apply, use a field manager of your own")
        List<ApprovalDecision> decisions) {}
