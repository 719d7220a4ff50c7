package dev.chaperone.control.resource;

import dev.chaperone.crds.v1alpha1.AccessPolicySpec;
import dev.chaperone.crds.v1alpha1.AgentConnectionSpec;
import java.util.List;

/** Connections and policies, each valid by itself and with its defaults filled in. */
public record Definitions(
    List<Resource<AgentConnectionSpec>> connections, List<Resource<AccessPolicySpec>> policies) {
  public Definitions {
    connections = List.copyOf(connections);
    policies = List.copyOf(policies);
  }
}
