package dev.chaperone.control.translation;

import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.resource.Resource;
import dev.chaperone.crds.v1alpha1.AccessPolicySpec;
import dev.chaperone.policy.Policy;
import dev.chaperone.policy.PolicyException;
import dev.chaperone.policy.PolicySet;
import java.util.List;
import java.util.Optional;

/** Judges a policy by itself. */
final class PolicyChecks {
  private PolicyChecks() {}

  /**
   * Adds what is wrong.
   *
   * @return the policy; empty where it cannot be put in force
   */
  static Optional<Policy> check(
      Resource<AccessPolicySpec> resource, long generation, List<Problem> problems) {
    checkLimits(resource, problems);
    if (!MaskingChecks.check(resource, problems)) {
      return Optional.empty();
    }
    Policy policy = PolicyTranslation.policy(resource);
    RuleChecks.check(resource, policy, problems);
    try {
      PolicySet.of(generation, List.of(policy));
      return Optional.of(policy);
    } catch (PolicyException e) {
      problems.add(resource.problem(e.path(), e.problem()));
      return Optional.empty();
    }
  }

  private static void checkLimits(Resource<AccessPolicySpec> policy, List<Problem> problems) {
    if (policy.spec().limits() != null
        && policy.spec().limits().bytesPerOperation() != null
        && Quantities.bytes(policy.spec().limits().bytesPerOperation()).isEmpty()) {
      problems.add(policy.problem("spec.limits.bytesPerOperation", "is too large"));
    }
  }
}
