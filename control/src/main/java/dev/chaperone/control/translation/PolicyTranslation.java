package dev.chaperone.control.translation;

import dev.chaperone.control.resource.Metadata;
import dev.chaperone.control.resource.Resource;
import dev.chaperone.crds.v1alpha1.AccessPolicySpec;
import dev.chaperone.crds.v1alpha1.ApprovalTerms;
import dev.chaperone.crds.v1alpha1.MaskUsage;
import dev.chaperone.crds.v1alpha1.PolicyLimits;
import dev.chaperone.crds.v1alpha1.PolicyMode;
import dev.chaperone.crds.v1alpha1.PolicyRule;
import dev.chaperone.policy.Decision.Action;
import dev.chaperone.policy.Decision.Approval;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.Limits;
import dev.chaperone.policy.Policy;
import dev.chaperone.policy.Rule;
import dev.chaperone.policy.masking.ColumnPattern;
import dev.chaperone.policy.masking.Detector;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskPredicates;
import dev.chaperone.policy.masking.MaskUse;
import dev.chaperone.policy.masking.MaskingRule;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/** Turns an AccessPolicy into what the engine reads. */
final class PolicyTranslation {
  private PolicyTranslation() {}

  static Policy policy(Resource<AccessPolicySpec> resource) {
    Metadata metadata = resource.metadata();
    AccessPolicySpec spec = resource.spec();
    return new Policy(
        metadata.namespace(),
        metadata.name(),
        metadata.uid().isEmpty() ? uid(metadata, spec) : metadata.uid(),
        metadata.generation(),
        Set.copyOf(spec.connections()),
        spec.subjects().stream()
            .map(
                subject ->
                    new Policy.SubjectReference(
                        Policy.SubjectReference.Kind.valueOf(subject.kind().name()),
                        subject.name()))
            .toList(),
        spec.mode() == PolicyMode.OBSERVE ? Policy.Mode.OBSERVE : Policy.Mode.ENFORCE,
        list(spec.rules()).stream().map(PolicyTranslation::rule).toList(),
        list(spec.masking()).stream().map(PolicyTranslation::masking).toList(),
        limits(spec.limits()));
  }

  /**
   * A file has no uid. What stands in for it changes with the content, as uid and generation
   * together do in a cluster: what was approved under one content is not under another.
   */
  private static String uid(Metadata metadata, AccessPolicySpec spec) {
    return UUID.nameUUIDFromBytes((metadata + " " + spec).getBytes(StandardCharsets.UTF_8))
        .toString();
  }

  /** What {@link MaskingChecks} has found fault with is left out: the policy is refused anyway. */
  private static MaskingRule masking(dev.chaperone.crds.v1alpha1.MaskingRule rule) {
    return new MaskingRule(
        list(rule.columns()).stream()
            .flatMap(column -> ColumnPattern.parse(column).stream())
            .toList(),
        list(rule.detectors()).stream()
            .map(detector -> Detector.valueOf(detector.name()))
            .collect(Collectors.toSet()),
        Mask.valueOf(rule.with().name()),
        rule.usage() == MaskUsage.TAINT ? MaskUse.TAINT : MaskUse.STRICT,
        rule.predicates() == dev.chaperone.crds.v1alpha1.MaskPredicates.ALLOW
            ? MaskPredicates.ALLOW
            : MaskPredicates.REFUSE);
  }

  private static Rule rule(PolicyRule rule) {
    return new Rule(
        rule.name(),
        list(rule.effects()).stream()
            .map(effect -> Effect.valueOf(effect.name()))
            .collect(Collectors.toSet()),
        list(rule.commands()),
        list(rule.resources()),
        Optional.ofNullable(rule.when()),
        Action.valueOf(rule.action().name()),
        Optional.ofNullable(rule.approval()).map(PolicyTranslation::approval),
        Optional.ofNullable(rule.message()));
  }

  private static Approval approval(ApprovalTerms terms) {
    return new Approval(
        Set.copyOf(list(terms.approvers().users())),
        Set.copyOf(list(terms.approvers().groups())),
        terms.approvers().humansOnly(),
        terms.count(),
        Quantities.duration(terms.timeout()),
        Approval.InTransaction.valueOf(terms.inTransaction().name()),
        Approval.Scope.valueOf(terms.grant().scope().name()),
        Quantities.duration(terms.grant().duration()));
  }

  private static Limits limits(PolicyLimits limits) {
    if (limits == null) {
      return Limits.NONE;
    }
    return new Limits(
        optional(limits.rowsPerOperation()),
        limits.bytesPerOperation() == null
            ? OptionalLong.empty()
            : Quantities.bytes(limits.bytesPerOperation()),
        limits.operationsPerMinute() == null
            ? OptionalLong.empty()
            : OptionalLong.of(limits.operationsPerMinute()));
  }

  private static OptionalLong optional(Long value) {
    return value == null ? OptionalLong.empty() : OptionalLong.of(value);
  }

  static <T> List<T> list(List<T> list) {
    return list == null ? List.of() : list;
  }
}
