package dev.chaperone.control.resource;

import dev.chaperone.crds.v1alpha1.AccessPolicySpec;
import dev.chaperone.crds.v1alpha1.AgentConnectionSpec;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * All resources of a directory, each valid by itself and with its defaults filled in.
 *
 * @param connections in the order of the files
 * @param policies in the order of the files
 * @param secrets in the order of the files
 * @param pod the one Pod that says who the agent is
 * @param notices what was passed over, and why
 */
public record ResourceSet(
    List<Resource<AgentConnectionSpec>> connections,
    List<Resource<AccessPolicySpec>> policies,
    List<Resource<Secret>> secrets,
    Resource<Pod> pod,
    List<String> notices) {
  public ResourceSet {
    connections = List.copyOf(connections);
    policies = List.copyOf(policies);
    secrets = List.copyOf(secrets);
    Objects.requireNonNull(pod, "pod");
    notices = List.copyOf(notices);
  }

  /** A Secret by name. */
  public Optional<Resource<Secret>> secret(String namespace, String name) {
    return secrets.stream()
        .filter(s -> s.metadata().namespace().equals(namespace) && s.metadata().name().equals(name))
        .findFirst();
  }
}
