package dev.chaperone.policy;

import java.util.Objects;

/** A policy that cannot be put in force. */
public final class PolicyException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String namespace;
  private final String policy;
  private final String rule;
  private final String path;
  private final String problem;

  /**
   * A problem of one rule.
   *
   * @param namespace the policy's namespace
   * @param policy the policy's name
   * @param rule the rule's name, or empty
   * @param path the field, from the resource's root: {@code spec.rules[2].when}
   * @param problem what is wrong and what to write instead
   */
  public PolicyException(
      String namespace, String policy, String rule, String path, String problem) {
    super("AccessPolicy " + namespace + "/" + policy + ", " + path + ": " + problem);
    this.namespace = Objects.requireNonNull(namespace, "namespace");
    this.policy = Objects.requireNonNull(policy, "policy");
    this.rule = Objects.requireNonNull(rule, "rule");
    this.path = Objects.requireNonNull(path, "path");
    this.problem = Objects.requireNonNull(problem, "problem");
  }

  /** The namespace of the policy. */
  public String namespace() {
    return namespace;
  }

  /** The name of the policy. */
  public String policy() {
    return policy;
  }

  /** The name of the rule, or empty where the problem is not one rule's. */
  public String rule() {
    return rule;
  }

  /** The field, from the resource's root. */
  public String path() {
    return path;
  }

  /** What is wrong, without where. */
  public String problem() {
    return problem;
  }
}
