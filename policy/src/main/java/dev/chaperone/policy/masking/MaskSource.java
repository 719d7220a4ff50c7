package dev.chaperone.policy.masking;

import java.util.Objects;

/**
 * An entry of a policy's masking, and where it stands.
 *
 * @param namespace of the policy
 * @param policy its name
 * @param uid its uid
 * @param generation its generation
 * @param index of the entry in the policy's masking, from 0
 */
public record MaskSource(
    String namespace, String policy, String uid, long generation, int index, MaskingRule rule) {
  public MaskSource {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(policy, "policy");
    Objects.requireNonNull(uid, "uid");
    Objects.requireNonNull(rule, "rule");
  }

  @Override
  public String toString() {
    return policy + " masking[" + index + "]";
  }
}
