package dev.chaperone.policy;

import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * Who asks.
 *
 * @param namespace the namespace of the pod
 * @param serviceAccount the pod's service account
 * @param user the end user behind the agent, where an identity provider vouched for one
 * @param groups the user's groups, or empty
 */
public record Subject(
    String namespace, String serviceAccount, Optional<String> user, Set<String> groups) {
  public Subject {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(serviceAccount, "serviceAccount");
    Objects.requireNonNull(user, "user");
    groups = Set.copyOf(groups);
  }
}
