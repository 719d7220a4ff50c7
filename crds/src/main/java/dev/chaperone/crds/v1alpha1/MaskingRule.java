package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;

/** What is masked, and how. */
@ValidationRule(
    value = "has(self.columns) != has(self.detectors)",
    message = "name either columns or detectors")
@ValidationRule(
    value = "has(self.columns) || (!has(self.usage) && !has(self.predicates))",
    message = "usage and predicates belong to columns")
public record MaskingRule(
    @JsonPropertyDescription(
            "Columns by schema, table and name, with * and ? as wildcards: public.customers.ssn. A mask follows its column through views, partitions and child tables.")
        @Size(min = 1, max = 64)
        List<@Size(min = 1, max = 256) String> columns,
    @JsonPropertyDescription(
            "What is recognised in any text, JSON, array or row of every result of the connection, and in errors and notices: a last net for what no column names.")
        @Size(min = 1, max = 16)
        List<Detector> detectors,
    @JsonPropertyDescription(
            "What replaces a value. Redact: a fixed text. Null: no value. Hash: a value that is the same for the same input within a session. FormatPreserving: other letters and digits of the same form. Partial: the last four characters and the domain of an address stay, if there are 8 characters or more. Types that cannot hold that become NULL.")
        @Required
        Mask with,
    @JsonPropertyDescription(
            "Strict: a masked column may only be returned by itself; an expression over it is refused. Taint: a few expressions over it may be returned too and are replaced as a whole. Strict if omitted.")
        MaskUsage usage,
    @JsonPropertyDescription(
            "Whether a masked column may be compared in WHERE, JOIN and the like, which can reveal it bit by bit. Refuse if omitted.")
        MaskPredicates predicates) {}
